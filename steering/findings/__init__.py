"""What do stored results say about the paper's claims? Pure functions; pandas, NumPy and SciPy only.

arXiv 2605.31183: supervised SAE features steer nearly as well as LoRA; interpretability alone finds features that are
causal; a low l0 may not be needed. Here each is a question to the embedded world, answered by an interval.
"""
