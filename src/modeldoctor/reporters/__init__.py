"""A `Report` in, text out. A reporter decides nothing."""
