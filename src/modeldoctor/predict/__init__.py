"""Knowledge that needs more than a lookup."""
