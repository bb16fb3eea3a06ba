"""How well does a feature or a direction tell texts with a concept from texts without it, as AxBench measures it?

``concept_scores`` holds one score per text, by kind of text; ``thresholds`` is the arithmetic of cutting them;
``protocol`` the measures of AxBench, section 4.1; ``pooling`` and ``reading`` get from tokens to one score per text.
"""

from steering.detection.concept_scores import ConceptScores
from steering.detection.pooling import AXBENCH_DECIMALS, Pooling, pool_tokens
from steering.detection.protocol import Detection, DetectionSummary, detect, detection_table, summarise

__all__ = [
    "AXBENCH_DECIMALS",
    "ConceptScores",
    "Detection",
    "DetectionSummary",
    "Pooling",
    "detect",
    "detection_table",
    "pool_tokens",
    "summarise",
]
