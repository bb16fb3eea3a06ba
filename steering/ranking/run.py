"""What does one ranking leave behind? No torch here: a stored one is read before the heavy libraries are loaded."""

from dataclasses import dataclass

from steering.conversation import ChatSupport
from steering.examples import LabelledExamples, Split
from steering.hook_points import HookPoint
from steering.ranking.features import Ranking
from steering.statistics import FeatureStatistics


@dataclass(frozen=True, slots=True, eq=False)
class RankingRun:
    """All that one ranking leaves behind.

    Attributes:
        examples: what was read.
        split: rows fitted on and rows held out.
        statistics: of every feature on every example.
        rankings: by label, in the order of the examples' labels.
        model: as it was named.
        sae: as it was named.
        hook_module: the module that was read.
        neuronpedia_id: ``model/layer-source`` where the SAE is known there.
        chat: what the model's chat template takes.
        hook_point: where the SAE reads and writes; None in studies of before it was kept.
    """

    examples: LabelledExamples
    split: Split
    statistics: FeatureStatistics
    rankings: dict[str, Ranking]
    model: str
    sae: str
    hook_module: str
    neuronpedia_id: str | None
    chat: ChatSupport
    hook_point: HookPoint | None = None
