"""Puts the parts together, for each process those that it needs: the only modules that know all of them."""
