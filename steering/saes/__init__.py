"""Sparse autoencoders: finding them, checking them, and their arithmetic.

``autoencoder`` is the class and its maths, ``building`` checks numbers and folds norms, ``reading`` reads folders,
``releases`` asks sae-lens (imported only then), ``loading`` decides which, ``fitting`` checks an SAE against a model.
"""

from steering.saes.autoencoder import SaeMetadata, SparseAutoencoder
from steering.saes.fitting import fit_to_model, trained_on_another
from steering.saes.loading import load_sae

__all__ = ["SaeMetadata", "SparseAutoencoder", "fit_to_model", "load_sae", "trained_on_another"]
