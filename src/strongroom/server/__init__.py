"""The running server: the supervisor, its web and worker processes, TLS, and the lock on the data directory."""
