"""What is done with models, from the syntax trees of the files that matter."""
