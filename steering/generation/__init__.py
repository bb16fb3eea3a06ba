"""How do completions come about: baseline, prompted, steered and adapted under one seed?"""

from steering.generation.completion import Completion, Receipt
from steering.generation.condition import KINDS, Condition, Kind
from steering.generation.decoding import Token, generate
from steering.generation.sampling import Sampling

__all__ = ["KINDS", "Completion", "Condition", "Kind", "Receipt", "Sampling", "Token", "generate"]
