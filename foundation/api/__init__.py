"""The v3 API over HTTP, one module for each resource; endpoints.py lists what is served."""
