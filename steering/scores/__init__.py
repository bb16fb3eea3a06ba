"""What is a feature worth for a label, and for the next token? One score per file; NumPy and SciPy only."""
