"""4xx: memory, told by the file alone."""
