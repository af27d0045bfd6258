"""MDR5xx: what the code of a service does with its models."""
