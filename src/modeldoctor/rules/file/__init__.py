"""1xx: the integrity of the file."""
