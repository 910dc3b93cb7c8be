"""Where a Vault is kept: PostgreSQL, its message queue, and blobs."""
