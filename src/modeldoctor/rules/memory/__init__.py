"""4xx: memory and load time."""
