"""The v3 API over HTTP, one module for each resource; routes.py lists what is served."""
