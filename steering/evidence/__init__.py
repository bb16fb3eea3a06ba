"""What does a table of scored completions prove? Pure functions; NumPy, SciPy and pandas only."""
