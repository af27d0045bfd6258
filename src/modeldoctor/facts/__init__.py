"""What rules may know: typed, frozen values."""
