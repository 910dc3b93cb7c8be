"""How any job runs: messages come in, steps are taken, what has no message is found."""
