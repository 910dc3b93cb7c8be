"""The jobs folder of the demo's server."""
