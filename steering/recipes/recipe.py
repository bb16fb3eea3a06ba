"""What is a recipe: everything that decides the tokens of a comparison, and nothing else?

The names of the fields are the keys of the file (docs/adr/0011). Every value that decides a token is always written,
so that a file can be read without knowing any default; what is None is left out. What a field may hold is checked
here, whether the recipe was made by a screen or read from a file.
"""

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args

from steering.conversation import Conversation, Prompt
from steering.errors import RecipeError, SaeError
from steering.hook_points import parse_hook_name
from steering.lora.settings import LoraSettings
from steering.ranking.settings import RankingSettings
from steering.recipes.checks import check_choice, check_number, check_reference, check_text, check_whole
from steering.recipes.conversation import check_conversation, conversation_to_json

SCHEMA = 1
"""Version of the file's form; a change of it needs a step in ``steering.recipes.migration``."""

RecipeDtype = Literal["float32", "bfloat16", "float16"]
RecipeMode = Literal["add", "clamp", "min_clamp", "scale", "ablate"]
RecipeScope = Literal["all", "prompt", "generated", "sentence_ends"]
Told = Literal["prompt", "system"]

MAX_FEATURES = 16
MAX_PROMPTS = 1000
MAX_COUNT = 1000
MAX_NEW_TOKENS = 2048
MAX_TEMPERATURE = 10.0


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Which language model, and in which numbers.

    Attributes:
        source: a preset, a folder or a Hub id, as in ``load_model``.
        revision: commit on the Hub that is loaded, whatever ``source`` names; None for what did not come from there.
        sha256: ``steering.fingerprints.weights_fingerprint`` in ``dtype``; None where it was never loaded.
        dtype: number format of the weights, the same on every device.
    """

    source: str
    revision: str | None = None
    sha256: str | None = None
    dtype: RecipeDtype = "float32"

    def __post_init__(self) -> None:
        check_text("source", self.source)
        check_reference(self.revision, self.sha256)
        check_choice("dtype", self.dtype, get_args(RecipeDtype))


@dataclass(frozen=True, slots=True)
class SaeSource:
    """Which sparse autoencoder.

    Attributes:
        source: a preset's SAE, a folder, or ``release/sae_id``, as in ``load_sae``.
        hook_point: where it reads and writes, ``blocks.LAYER.hook_SITE``.
        revision: commit on the Hub that is loaded; None for what did not come from there, and in recipes of before it
            was recorded.
        sha256: of its weights file, as ``sha256sum`` prints it; None where no single file holds it.
    """

    source: str
    hook_point: str
    revision: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        check_text("source", self.source)
        check_reference(self.revision, self.sha256)
        try:
            spelt = str(parse_hook_name(self.hook_point))
        except SaeError as error:
            raise RecipeError(f"hook_point is {self.hook_point!r}; write it like blocks.2.hook_resid_post.") from error
        object.__setattr__(self, "hook_point", spelt)


def same_weights(recorded: ModelSource | SaeSource, found: ModelSource | SaeSource) -> bool:
    """Whether the weights found are the recorded ones: by their hash, else by their commit, where one was recorded."""
    if recorded.sha256 is not None:
        return recorded.sha256 == found.sha256
    return recorded.revision in (None, found.revision)


@dataclass(frozen=True, slots=True)
class ExamplesSource:
    """Which labelled examples the features were found with; the texts themselves are not in a recipe.

    Attributes:
        sha256: ``LabelledExamples.fingerprint``.
        label: what was looked for.
        n_positive: examples with the label.
        n_negative: examples without it.
        title: what the set is called.
    """

    sha256: str
    label: str
    n_positive: int
    n_negative: int
    title: str = ""

    def __post_init__(self) -> None:
        check_reference(None, self.sha256)
        check_text("label", self.label)
        check_whole("n_positive", self.n_positive, 0, 10**9)
        check_whole("n_negative", self.n_negative, 0, 10**9)


@dataclass(frozen=True, slots=True)
class ChosenFeature:
    """One feature and how strongly it is written.

    Attributes:
        feature_id: 0..d_sae-1.
        factor: dimensionless, in units of ``max_act``; negative to suppress.
        max_act: the feature's largest activation on the set it was measured on; 0 where the mode needs no unit.
    """

    feature_id: int
    factor: float
    max_act: float

    def __post_init__(self) -> None:
        check_whole("feature_id", self.feature_id, 0, 2**31 - 1)
        check_number(self, "factor", -1e6, 1e6)
        check_number(self, "max_act", 0.0, 1e9)


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How answers are drawn, as ``steering.generation.Sampling`` has it, and how many.

    Attributes:
        max_new_tokens: tokens at most, the end of the text included.
        temperature: 0 always takes the likeliest token.
        top_p: nucleus; 1 keeps every token.
        count: samples for every prompt and condition.
    """

    max_new_tokens: int = 64
    temperature: float = 1.0
    top_p: float = 1.0
    count: int = 1

    def __post_init__(self) -> None:
        check_whole("max_new_tokens", self.max_new_tokens, 1, MAX_NEW_TOKENS)
        check_number(self, "temperature", 0.0, MAX_TEMPERATURE)
        check_number(self, "top_p", 0.0, 1.0)
        if self.top_p == 0:
            raise RecipeError("top_p is 0, which keeps no token; choose a number above 0 and at most 1.")
        check_whole("count", self.count, 1, MAX_COUNT)


@dataclass(frozen=True, slots=True)
class PromptedBaseline:
    """The model is told the concept.

    Attributes:
        instruction: the sentence.
        told: ``prompt`` behind every prompt, ``system`` in a system turn of its own.
    """

    instruction: str
    told: Told = "prompt"

    def __post_init__(self) -> None:
        check_text("instruction", self.instruction)
        check_choice("told", self.told, get_args(Told))


@dataclass(frozen=True, slots=True)
class DiffMeanBaseline:
    """Mean of the positives minus mean of the negatives, added at the SAE's hook point.

    Attributes:
        factor: in units of the largest projection.
    """

    factor: float

    def __post_init__(self) -> None:
        check_number(self, "factor", -1e6, 1e6)


@dataclass(frozen=True, slots=True)
class AdapterSource:
    """Which LoRA adapter stands beside; its weights are not in a recipe.

    Attributes:
        sha256: ``steering.fingerprints.adapter_fingerprint``.
        factor: multiplies the adapter's scaling; 1 as trained.
        settings: how it was trained; None for one from elsewhere.
    """

    sha256: str
    factor: float = 1.0
    settings: LoraSettings | None = None

    def __post_init__(self) -> None:
        check_reference(None, self.sha256)
        check_number(self, "factor", -100.0, 100.0)


@dataclass(frozen=True, slots=True)
class Baselines:
    """What stands beside the steered answers; the untouched model always does.

    Attributes:
        prompted: told in words, None without.
        diff_mean: the difference of means, None without.
        adapter: a LoRA adapter, None without.
    """

    prompted: PromptedBaseline | None = None
    diff_mean: DiffMeanBaseline | None = None
    adapter: AdapterSource | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A comparison that anybody with the same weights can run again.

    Attributes:
        model: the language model.
        prompts: each is answered under every condition.
        sae: whose features are written, None where none is.
        features: written together; empty for baselines alone.
        mode: what happens to a feature's code, see ``steering.interventions``.
        scope: which positions are written.
        shared_budget: whether several features in ``add`` share the budget of the strongest.
        sampling: how answers are drawn.
        seed: of all draws.
        concept: what the answers are judged for, None for nothing.
        baselines: what stands beside.
        examples: what the features were found with, None where nobody looked for them.
        ranking: how they were found.
        versions: package -> version of whoever wrote the recipe; for readers, no part of the digest.
    """

    model: ModelSource
    prompts: tuple[Prompt, ...]
    sae: SaeSource | None = None
    features: tuple[ChosenFeature, ...] = ()
    mode: RecipeMode = "add"
    scope: RecipeScope = "all"
    shared_budget: bool = True
    sampling: SamplingSettings = SamplingSettings()
    seed: int = 0
    concept: str | None = None
    baselines: Baselines = Baselines()
    examples: ExamplesSource | None = None
    ranking: RankingSettings | None = None
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, get_args(RecipeMode))
        check_choice("scope", self.scope, get_args(RecipeScope))
        check_whole("seed", self.seed, 0, 2**63 - 1)
        if self.concept is not None:
            check_text("concept", self.concept)
        self._check_prompts()
        self._check_features()
        if self.baselines.diff_mean is not None and (self.examples is None or self.ranking is None):
            raise RecipeError(
                "baselines has diff_mean without examples and ranking, which say whose means those are; add both, or "
                "drop diff_mean."
            )
        if self.baselines.diff_mean is not None and self.sae is None:
            raise RecipeError("baselines has diff_mean without an sae, which says where it is added; name the sae.")

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON without the versions: equal digests ask for equal tokens."""
        content = self.to_json()
        content.pop("versions", None)
        spelt = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(spelt.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values in the order of the file; what is None or empty is left out."""
        return {"schema": SCHEMA} | {key: _plain(getattr(self, key)) for key in _ORDER if _is_told(getattr(self, key))}

    def _check_prompts(self) -> None:
        if not 1 <= len(self.prompts) <= MAX_PROMPTS:
            raise RecipeError(f"prompts holds {len(self.prompts)} entries; give between 1 and {MAX_PROMPTS}.")
        for place, prompt in enumerate(self.prompts):
            if isinstance(prompt, str):
                check_text(f"prompts[{place}]", prompt)
            else:
                check_conversation(f"prompts[{place}]", prompt)

    def _check_features(self) -> None:
        if len(self.features) > MAX_FEATURES:
            raise RecipeError(f"features holds {len(self.features)} entries; give at most {MAX_FEATURES}.")
        ids = [feature.feature_id for feature in self.features]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice is not None:
            raise RecipeError(f"features has feature {twice} twice; give each feature once.")
        if self.features and self.sae is None:
            raise RecipeError("features are given without an sae; name the sae that they belong to.")
        for place, feature in enumerate(self.features):
            if self.mode == "min_clamp" and feature.factor < 0:
                raise RecipeError(
                    f"features[{place}].factor is {feature.factor:g}, but min_clamp raises activations, which are "
                    "never below 0; use clamp or add to suppress."
                )
            if self.mode not in ("scale", "ablate") and feature.max_act == 0:
                raise RecipeError(
                    f"features[{place}].max_act is 0, so its factor has no unit; give the feature's largest activation."
                )


_ORDER = (
    "model",
    "sae",
    "features",
    "mode",
    "scope",
    "shared_budget",
    "prompts",
    "sampling",
    "seed",
    "concept",
    "baselines",
    "examples",
    "ranking",
    "versions",
)
"""Of the keys in a file: what is asked first, where it came from last."""


def _is_told(value: Any) -> bool:
    return value is not None and value not in ((), {}, Baselines())


def _plain(value: Any) -> Any:
    if isinstance(value, Conversation):
        return conversation_to_json(value)
    if is_dataclass(value) and not isinstance(value, type):
        told = ((one.name, getattr(value, one.name)) for one in fields(value))
        return {name: _plain(inner) for name, inner in told if inner is not None and inner != ""}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return dict(sorted(value.items())) if isinstance(value, dict) else value
