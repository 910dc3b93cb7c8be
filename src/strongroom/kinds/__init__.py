"""What each job does: one file per kind. A file that is added here is found; nothing else is edited."""
