"""Strongroom: a self-hosted server that speaks the Vault REST API for asynchronous jobs."""
