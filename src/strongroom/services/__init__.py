"""What can be done with a Vault: one module per noun, one function per deed. Every function takes the Vault first."""
