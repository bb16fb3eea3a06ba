"""Sparse autoencoders: reading them, checking them, and their arithmetic.

Import from the modules: ``autoencoder`` (the class and its maths), ``loading`` (``load_sae``), ``fitting`` (does this
SAE fit this model). Nothing is imported here, so that a page may import the package without torch.
"""
