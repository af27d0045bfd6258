"""What runs in the user's interpreter, and how it is run: the only code of ours that ever imports torch."""
