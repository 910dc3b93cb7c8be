"""``strongroom demo``: every kind of job against a fresh sample Vault, over HTTPS, and compared with what must come."""
