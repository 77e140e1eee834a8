"""The embedded environment: a real S3 server, a git server and a local foundation, all below `.local/`."""
