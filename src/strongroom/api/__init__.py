"""The HTTP face of a Vault: Vault's REST API. ``app.application`` makes it."""
