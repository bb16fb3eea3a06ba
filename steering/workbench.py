"""The verbs of the app, one function each: open a model with its SAE, rank features, read tokens, compare conditions.

Screens and command line call these and nothing below them, so both do the same thing. Every verb reports progress
through a callable that may raise ``Cancelled``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from steering import runtime
from steering.activations import collect_statistics, encode_examples, token_activations
from steering.chat_template import chat_support
from steering.directions.diff_mean import diff_mean
from steering.directions.direction import Direction
from steering.effects import measure_effects, neutral_context
from steering.errors import ExamplesError, SaeError
from steering.examples import LabelledExamples, Split, split_examples
from steering.interventions import FeatureEdit, Mode
from steering.lora import Adapter, LoraSettings, train_lora
from steering.memory import SaeDtype
from steering.models import Dtype, LanguageModel, load_model
from steering.outlook import device_of
from steering.positions import Positions
from steering.presets import model_key, sae_key, sae_source, sae_title
from steering.ranking import RankingSettings, rank_all_labels, rank_features
from steering.ranking.run import RankingRun as RankingRun  # what this file's verbs return
from steering.reference import Reference, read_reference
from steering.saes import SparseAutoencoder, fit_to_model, load_sae, trained_on_another
from steering.statistics import FeatureEffect, FeatureStatistics

Progress = Callable[[int, int, str, str], None]
"""Called with done, total, unit and what is going on; may raise ``Cancelled``."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model with an SAE that fits it.

    Attributes:
        model: shared by everyone in this process.
        sae: fitted to the model.
        reference: max_act and density of every feature on the SAE's own reference set, where it ships one.
    """

    model: LanguageModel
    sae: SparseAutoencoder
    reference: Reference | None

    @property
    def hook_module(self) -> str:
        """The module that is really hooked, e.g. ``model.layers.2.output``."""
        return str(self.model.layout.locate(self.sae.hook_point))

    @property
    def warning(self) -> str | None:
        """A sentence if the SAE was trained on another model, or if that cannot be told; None where it fits."""
        return trained_on_another(self.sae, self.model.name)


@contextmanager
def open_model(
    model: str,
    *,
    device: str = "cpu",
    dtype: Dtype = "auto",
    should_stop: Callable[[], bool] | None = None,
    on_progress: Progress | None = None,
) -> Iterator[LanguageModel]:
    """Hold a model in memory for the block; everyone who names the same one shares it.

    Args:
        model: a preset, a folder or a Hub id.
        device: a torch device, ``split`` or ``auto``.
        dtype: of the weights.
        should_stop: asked while waiting for room.
        on_progress: told megabytes while something is downloaded.

    Raises:
        ModelError: see :func:`steering.models.load_model`.
    """
    key = model_key(model, device, dtype)
    with runtime.lease(
        "model",
        key,
        lambda: load_model(model, device=device, dtype=dtype, on_progress=on_progress),
        should_stop=should_stop,
    ) as found:
        yield found


@contextmanager
def open_pair(
    model: str,
    sae: str | None = None,
    *,
    device: str = "cpu",
    dtype: Dtype = "auto",
    sae_dtype: SaeDtype = "float32",
    should_stop: Callable[[], bool] | None = None,
    on_progress: Progress | None = None,
) -> Iterator[Loaded]:
    """Hold a model and an SAE in memory for the block.

    Args:
        model: a preset, a folder or a Hub id.
        sae: a preset's SAE by its name, a folder, or ``release/sae_id``; None takes the preset's default.
        device: a torch device, ``split`` or ``auto``, which counts the SAE in.
        dtype: of the model's weights.
        sae_dtype: what the SAE's matrices are kept in; they are computed with in float32 always.
        should_stop: asked while waiting for room.
        on_progress: told megabytes while something is downloaded.

    Raises:
        ModelError: see :func:`steering.models.load_model`.
        SaeError: no SAE named for a model that has no default, or one that does not fit the model.
    """
    device = device_of(model, sae_source(model, sae), device, dtype, sae_dtype=sae_dtype, measure=True)
    key = sae_key(model, sae, device, dtype, sae_dtype)
    with (
        open_model(model, device=device, dtype=dtype, should_stop=should_stop, on_progress=on_progress) as network,
        runtime.lease(
            "sae",
            key,
            lambda: load_fitted_sae(
                model, sae, device=device, dtype=dtype, sae_dtype=sae_dtype, on_progress=on_progress
            ),
            should_stop=should_stop,
        ) as (autoencoder, reference),
    ):
        yield Loaded(network, autoencoder, reference)


def load_fitted_sae(
    model: str,
    sae: str | None = None,
    *,
    device: str = "cpu",
    dtype: Dtype = "auto",
    sae_dtype: SaeDtype = "float32",
    on_progress: Progress | None = None,
) -> tuple[SparseAutoencoder, Reference | None]:
    """Load an SAE, check it against its model, and read its reference activations where it has any.

    Raises:
        ModelError: see :func:`steering.models.load_model`.
        SaeError: it cannot be found or read, does not fit the model, or not into the memory of the device.
    """
    with open_model(model, device=device, dtype=dtype) as network:
        found = load_sae(sae_source(model, sae), on_progress=on_progress)
        try:
            return fit_to_model(found, network).kept_as(sae_dtype).to(network.device), read_reference(found)
        except torch.OutOfMemoryError as error:
            raise SaeError(
                f"The SAE {found.name} does not fit into the memory of {device} beside its model; choose a narrower "
                "SAE, or a smaller dtype for the model."
            ) from error


def rank_examples(
    loaded: Loaded,
    examples: LabelledExamples,
    settings: RankingSettings,
    *,
    label: str | None = None,
    statistics: FeatureStatistics | None = None,
    with_effects: bool = True,
    on_progress: Progress | None = None,
) -> RankingRun:
    """Read the examples once and rank the features for one label, or for all of them.

    Args:
        loaded: model and SAE.
        examples: with at least one label.
        settings: of the split and the ranking.
        label: None ranks for every label.
        statistics: of an earlier run over the same examples and positions with the same model and SAE; the texts are
            read without.
        with_effects: also measure what the candidates write (output score, token confidence).
        on_progress: told tokens, then features.

    Raises:
        ExamplesError: unknown label, or a label without positives or negatives.
    """
    progress = on_progress or _silent
    split = split_examples(examples, heldout=settings.heldout, seed=settings.seed)
    if statistics is None:
        statistics = collect_statistics(
            loaded.model,
            loaded.sae,
            examples.texts,
            examples.prompts,
            progress=lambda done, total: progress(done, total, "tokens", "Reading the examples"),
            positions=settings.positions,
        )
    effects = partial(_effects, loaded, statistics, progress) if with_effects else None
    if label is not None or len(examples.label_names) == 1:
        chosen = label if label is not None else examples.label_names[0]
        rankings = {
            chosen: rank_features(
                statistics,
                examples.labels,
                examples.label_names,
                split,
                settings,
                label=chosen,
                effects=effects,
                on_progress=lambda share, what: progress(int(100 * share), 100, "%", what),
            )
        }
    else:
        rankings = rank_all_labels(
            statistics,
            examples.labels,
            examples.label_names,
            split,
            settings,
            effects=effects,
            on_progress=lambda share, what: progress(int(100 * share), 100, "%", what),
        )
    return RankingRun(
        examples=examples,
        split=split,
        statistics=statistics,
        rankings=rankings,
        model=loaded.model.name,
        sae=sae_title(loaded.sae.name),
        hook_module=loaded.hook_module,
        neuronpedia_id=loaded.sae.metadata.neuronpedia_id,
        chat=chat_support(loaded.model),
        hook_point=loaded.sae.hook_point,
    )


def difference_direction(
    loaded: Loaded,
    examples: LabelledExamples,
    label: str,
    split: Split,
    *,
    positions: Positions = "all",
    on_batch: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """The DiffMean direction of a label at the SAE's hook point, from the training rows alone.

    Args:
        loaded: model and SAE.
        examples: what was ranked.
        label: positives carry it.
        split: its training rows are read, twice.
        positions: which of their eligible tokens.
        on_batch: told batches read and their total after each.
        should_stop: asked before every batch.

    Raises:
        ExamplesError: no positives or no negatives in the training part, or means that do not differ.
        Cancelled: ``should_stop`` said so.
    """
    positive = examples.label(label)
    rows = split.train
    chosen = [rows[positive[rows]], rows[~positive[rows]]]
    if not all(len(part) for part in chosen):
        raise ExamplesError(f"DiffMean needs positives and negatives of {label!r} in the training part.")
    texts = [
        encode_examples(
            loaded.model,
            [examples.texts[row] for row in part],
            [examples.prompts[row] for row in part],
            positions,
        )
        for part in chosen
    ]
    return diff_mean(
        loaded.model, loaded.sae.hook_point, texts[0], texts[1], on_batch=on_batch, should_stop=should_stop
    )


def train_adapter(
    model: LanguageModel,
    examples: LabelledExamples,
    label: str,
    rows: np.ndarray,
    settings: LoraSettings,
    *,
    on_step: Callable[[int, int, float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Adapter:
    """Train a LoRA adapter on the positives of a label among ``rows``, as AxBench does.

    Raises:
        ExamplesError: no positives among the rows.
    """
    positive = [row for row in rows if examples.label(label)[row]]
    if not positive:
        raise ExamplesError(f"There are no positives of {label!r} to train on; choose another label.")
    return train_lora(
        model,
        [examples.texts[row] for row in positive],
        [examples.prompts[row] for row in positive],
        settings=settings,
        name=label,
        on_step=on_step,
        should_stop=should_stop,
    )


def feature_edit(
    loaded: Loaded, feature_id: int, factor: float, max_act: float | None, *, mode: Mode = "add"
) -> FeatureEdit:
    """A feature with the unit of its factor: ``max_act`` if given, else the one on the SAE's reference set.

    scale and ablate multiply what is there and need no unit; where none is known it stands as 0.

    Raises:
        SaeError: the feature does not exist, its unit is not known, or it is 0: the feature never fired.
    """
    _check_feature(loaded.sae, feature_id)
    if max_act is None and loaded.reference is not None:
        max_act = float(loaded.reference.max_act[feature_id])
    if mode in ("scale", "ablate"):
        return FeatureEdit(feature_id, factor, max_act or 0.0)
    if max_act is None:
        raise SaeError(
            f"The SAE {loaded.sae.name} ships no reference activations, so factor {factor:g} has no unit; give the "
            "feature's max_act (--max-act; the ranking shows it), or examples to measure it on (--examples)."
        )
    if max_act == 0:
        raise SaeError(
            f"Feature {feature_id} has max_act 0 (it never fired where that was measured), so factor {factor:g} has no "
            "unit; choose another feature, or give a max_act above 0."
        )
    return FeatureEdit(feature_id, factor, max_act)


def measure_max_act(
    loaded: Loaded, examples: LabelledExamples, feature_ids: Sequence[int], *, on_progress: Progress | None = None
) -> tuple[float, ...]:
    """The largest activation of each feature on all eligible tokens of the examples, as a ranking shows it.

    Raises:
        SaeError: a feature does not exist.
    """
    for feature_id in feature_ids:
        _check_feature(loaded.sae, feature_id)
    progress = on_progress or _silent
    read = token_activations(
        loaded.model,
        loaded.sae,
        examples.texts,
        examples.prompts,
        feature_ids,
        progress=lambda done, total: progress(done, total, "tokens", "Measuring max_act on the examples"),
    )
    largest = np.max([text.values.max(axis=0) for text in read], axis=0)
    return tuple(float(value) for value in largest)


def _check_feature(sae: SparseAutoencoder, feature_id: int) -> None:
    if not 0 <= feature_id < sae.d_sae:
        raise SaeError(f"Feature {feature_id} does not exist; this SAE has features 0 to {sae.d_sae - 1}.")


def _effects(
    loaded: Loaded, statistics: FeatureStatistics, progress: Progress, feature_ids: Sequence[int]
) -> dict[int, FeatureEffect]:
    return measure_effects(
        loaded.model,
        loaded.sae,
        feature_ids,
        statistics.max_act,
        context=neutral_context(loaded.model),
        progress=lambda done, total: progress(done, total, "features", "Measuring what the candidates write"),
    )


def _silent(done: int, total: int, unit: str, what: str) -> None:
    """Report to nobody."""
