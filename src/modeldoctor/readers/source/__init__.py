"""Python source → what is called when, and through what. Nothing is imported: everything is read with `ast`."""
