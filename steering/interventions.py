"""What does writing with a feature do to the residual stream? Pure maths; no model, no hook.

Every mode is an edit by difference: the stream gets ``sum_f (new code - old code) * W_dec[f]`` added, so whatever the
SAE does not explain stays in place (JH's code-space edit; Templeton et al. 2024). With z the feature activation at a
position, m its max_act and x the factor:

    add        + x m              whatever z is (AxBench)
    clamp      x m - z            the code becomes x m; x = 0 is ablation
    min_clamp  max(x m, z) - z    the code is raised to at least x m
    scale      (x - 1) z          amplifies or damps where the feature already fires
    ablate     - z                the code becomes 0
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering.errors import InterventionError

Mode = Literal["add", "clamp", "min_clamp", "scale", "ablate"]
Scope = Literal["all", "prompt", "generated", "sentence_ends"]
MODES: tuple[Mode, ...] = get_args(Mode)
SCOPES: tuple[Scope, ...] = get_args(Scope)
MAX_FEATURES = 16


@dataclass(frozen=True, slots=True)
class FeatureEdit:
    """One feature and how strongly it is written.

    Attributes:
        feature_id: 0..d_sae-1.
        factor: dimensionless, in units of ``max_act``; negative to suppress.
        max_act: the feature's largest activation on the reference set.
    """

    feature_id: int
    factor: float
    max_act: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and math.isfinite(self.max_act)):
            raise InterventionError(
                f"Feature {self.feature_id} has factor {self.factor} and max_act {self.max_act}; "
                "both must be finite numbers."
            )
        if self.max_act < 0:
            raise InterventionError(f"Feature {self.feature_id} has max_act {self.max_act}; it cannot be negative.")

    @property
    def coefficient(self) -> float:
        """``factor * max_act``: size of the edit in residual units (decoder rows have norm 1)."""
        return self.factor * self.max_act


@dataclass(frozen=True, slots=True)
class Intervention:
    """Features written together at one hook point.

    Attributes:
        features: at least one, each once.
        mode: what happens to the code, see the module's text.
        scope: which positions are written; BOS and template tokens never are, unless ``special`` is set.
            ``sentence_ends`` writes where a sentence of the answer has just ended, and at the token before the answer,
            whatever it is, where its first sentence is decided (see ``steering.sentence_ends``).
        shared_budget: with several features in ``add``, no position is moved further than by the largest single edit.
            Decoder rows of split features are nearly parallel, so a plain sum over-steers [our choice]. The other
            modes say what the code becomes, so nothing is shortened there.
        special: also write on BOS and template tokens, as AxBench does (refused for clamp and min_clamp, whose edit
            on the outlier BOS would be enormous).
    """

    features: tuple[FeatureEdit, ...]
    mode: Mode = "add"
    scope: Scope = "all"
    shared_budget: bool = True
    special: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InterventionError(f"The mode {self.mode!r} is unknown; choose one of {', '.join(MODES)}.")
        if self.scope not in SCOPES:
            raise InterventionError(f"The scope {self.scope!r} is unknown; choose one of {', '.join(SCOPES)}.")
        if not 1 <= len(self.features) <= MAX_FEATURES:
            raise InterventionError(
                f"An intervention holds {len(self.features)} features; give between 1 and {MAX_FEATURES}."
            )
        ids = self.feature_ids
        if len(set(ids)) != len(ids):
            raise InterventionError(f"A feature stands twice in {list(ids)}; give each feature once.")
        if self.mode == "min_clamp" and any(feature.factor < 0 for feature in self.features):
            raise InterventionError(
                "min_clamp raises a feature to at least factor x max_act; activations are never below 0, so a negative "
                "factor would change nothing; use clamp or add to suppress."
            )
        if self.special and self.mode in ("clamp", "min_clamp"):
            raise InterventionError(
                f"{self.mode} on BOS and template tokens is refused: activations there are outliers, and the edit "
                "would be enormous; use add, or leave special tokens out."
            )

    @property
    def shortens(self) -> bool:
        """Whether the sum of the edits is shortened to the shared budget."""
        return self.shared_budget and self.mode == "add"

    @property
    def feature_ids(self) -> tuple[int, ...]:
        """Features in the order given."""
        return tuple(feature.feature_id for feature in self.features)

    @property
    def values(self) -> tuple[float, ...]:
        """Per feature: the coefficient (add), the target (clamp, min_clamp), the factor (scale), 0 (ablate)."""
        if self.mode == "scale":
            return tuple(feature.factor for feature in self.features)
        if self.mode == "ablate":
            return (0.0,) * len(self.features)
        return tuple(feature.coefficient for feature in self.features)


def code_change(
    mode: Mode, feature_acts: Float[Tensor, "batch pos k"], values: Float[Tensor, "batch k"]
) -> Float[Tensor, "batch pos k"]:
    """By how much every code changes: ``new - old`` (method.md, section 5).

    Args:
        mode: see the module's text.
        feature_acts: codes before the edit; only their shape matters for ``add``.
        values: per row and feature, as in :attr:`Intervention.values`; rows differ, unlike in AxBench's clamp.
    """
    wanted = values[:, None, :]
    if mode == "add":
        return wanted.expand_as(feature_acts)
    if mode == "clamp":
        return wanted - feature_acts
    if mode == "min_clamp":
        return torch.maximum(wanted, feature_acts) - feature_acts
    if mode == "scale":
        return (wanted - 1.0) * feature_acts
    return -feature_acts


def resid_change(
    change: Float[Tensor, "batch pos k"],
    directions: Float[Tensor, "k d_model"],
    *,
    shared_budget: bool,
) -> Float[Tensor, "batch pos d_model"]:
    """The edit in the residual stream: ``sum_f change_f * W_dec[f]``.

    With a shared budget and several features the sum is shortened, never lengthened, to the norm of the largest
    single term at that position.
    """
    total = change @ directions
    if not shared_budget or directions.shape[0] == 1:
        return total
    largest = (change.abs() * directions.norm(dim=-1)).amax(dim=-1, keepdim=True)
    norm = total.norm(dim=-1, keepdim=True)
    return total * torch.where(norm > largest, largest / norm.clamp(min=1e-12), torch.ones_like(norm))


def apply_change(
    resid: Float[Tensor, "batch pos d_model"],
    delta: Float[Tensor, "batch pos d_model"],
    written: Bool[Tensor, "batch pos"],
) -> Tensor:
    """Add ``delta`` at the written positions; all others keep their bits, and so does a position whose edit is zero.

    The sum is made in float32 and cast back to the stream's dtype.
    """
    edited = (resid.float() + delta).to(resid.dtype)
    return torch.where(moved(delta, written)[..., None], edited, resid)


def moved(delta: Float[Tensor, "batch pos d_model"], written: Bool[Tensor, "batch pos"]) -> Bool[Tensor, "batch pos"]:
    """Which of the written positions an edit really changes."""
    return written & (delta != 0).any(dim=-1)
