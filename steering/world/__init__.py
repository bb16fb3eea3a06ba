"""A small world of text with known truth: grammar, judge, labelled examples, and the weights trained on it."""
