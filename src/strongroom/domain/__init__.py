"""What a Vault is made of: data, rules and errors. No input or output."""
