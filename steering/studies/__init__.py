"""Studies: a recipe with its results, in a folder that survives a restart, a killed process and a full disk."""
