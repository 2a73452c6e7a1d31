"""What all programs share at the command line: the table of options, completions, and what is printed."""
