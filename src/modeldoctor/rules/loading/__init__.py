"""301-309: whether the target's torch loads the file."""
