"""What do the activations of many tokens come to, example by example?

Three numbers for every feature that fires in an example, and nothing for those that do not: memory grows with what
fires, not with ``[tokens d_sae]`` and not with ``[examples d_sae]``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int32
from scipy.sparse import csc_array
from torch import Tensor

from steering.saes import SparseAutoencoder


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Entries of the statistics: one for each example and feature that meet in a batch's block of features."""

    examples: Int32[np.ndarray, " n"]
    feature_ids: Int32[np.ndarray, " n"]
    frequency: Float32[np.ndarray, " n"]
    maximum: Float32[np.ndarray, " n"]
    mean: Float32[np.ndarray, " n"]


class Tally:
    """Collects activations; an example's tokens must all come in one call of :meth:`add`."""

    def __init__(self, sae: SparseAutoencoder, n_tokens: Int[np.ndarray, " n_examples"]) -> None:
        """Nothing has been seen yet.

        Args:
            sae: encodes.
            n_tokens: of every example, how many tokens will count.
        """
        self._sae = sae
        self._n_tokens = torch.from_numpy(n_tokens).to(sae.device)
        self._max_act = torch.zeros(sae.d_sae, device=sae.device)
        self._fired = torch.zeros(sae.d_sae, dtype=torch.int64, device=sae.device)
        self._pieces: list[_Piece] = []

    def add(
        self,
        resid: Float[Tensor, "n_tokens d_model"],
        examples: Int[Tensor, " n_tokens"],
        counted: Bool[Tensor, " n_tokens"],
    ) -> None:
        """Encode tokens and add them up.

        Args:
            resid: all eligible tokens of some examples.
            examples: which example each token belongs to.
            counted: which of them count; max_act is over all.
        """
        everything = bool(counted.all())
        for fired in self._sae.encode_sparse(resid):
            self._max_act.scatter_reduce_(0, fired.feature_ids, fired.values, reduce="amax")
            tokens, feature_ids, values = fired.tokens, fired.feature_ids, fired.values
            if not everything:
                here = counted[tokens]
                tokens, feature_ids, values = tokens[here], feature_ids[here], values[here]
            self._fired.index_add_(0, feature_ids, torch.ones_like(feature_ids))
            keys, entry = torch.unique(examples[tokens] * self._sae.d_sae + feature_ids, return_inverse=True)
            count, maximum, total = (torch.zeros(len(keys), device=values.device) for _ in range(3))
            count.index_add_(0, entry, torch.ones_like(values))
            total.index_add_(0, entry, values)
            maximum.scatter_reduce_(0, entry, values, reduce="amax")
            found = keys // self._sae.d_sae
            lengths = self._n_tokens[found]
            self._pieces.append(
                _Piece(
                    examples=found.int().cpu().numpy(),
                    feature_ids=(keys % self._sae.d_sae).int().cpu().numpy(),
                    frequency=(count / lengths).cpu().numpy(),
                    maximum=maximum.cpu().numpy(),
                    mean=(total / lengths).cpu().numpy(),
                )
            )

    @property
    def max_act(self) -> Float32[np.ndarray, " d_sae"]:
        """Largest activation of every feature on all tokens so far, counted or not."""
        return self._max_act.cpu().numpy()

    @property
    def density(self) -> Float32[np.ndarray, " d_sae"]:
        """Share of the counted tokens on which each feature fires, once every example has been added."""
        return (self._fired.double() / int(self._n_tokens.sum())).float().cpu().numpy()

    def matrices(self) -> tuple[csc_array, csc_array, csc_array]:
        """Frequency, maximum and mean, ``[n_examples d_sae]``; they share the arrays that say where entries stand."""
        shape = (len(self._n_tokens), self._sae.d_sae)
        if not self._pieces:
            return csc_array(shape), csc_array(shape), csc_array(shape)
        examples = np.concatenate([piece.examples for piece in self._pieces])
        feature_ids = np.concatenate([piece.feature_ids for piece in self._pieces])
        # Sorts the numbers of the entries along, which say how to sort the values.
        places = csc_array((np.arange(len(examples)), (examples, feature_ids)), shape=shape)
        del examples, feature_ids

        def matrix(values: list[np.ndarray]) -> csc_array:
            return csc_array((np.concatenate(values)[places.data], places.indices, places.indptr), shape=shape)

        return (
            matrix([piece.frequency for piece in self._pieces]),
            matrix([piece.maximum for piece in self._pieces]),
            matrix([piece.mean for piece in self._pieces]),
        )
