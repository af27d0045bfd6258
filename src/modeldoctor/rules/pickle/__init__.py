"""2xx: what the file pickles."""
