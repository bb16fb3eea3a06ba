"""Votes: people choose between two answers of a study without being told which method wrote which."""
