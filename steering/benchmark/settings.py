"""What decides the rows of a benchmark? Everything that does, and nothing else. No torch here."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from steering.benchmark.judging import check_judge
from steering.errors import SteeringError
from steering.methods.registry import METHOD_NAMES, method
from steering.positions import POSITIONS, Positions
from steering.presets import is_world_model

TestFactors = Literal["all", "chosen"]
SELECT_PROMPTS, TEST_PROMPTS = 10, 20


@dataclass(frozen=True, slots=True)
class Unit:
    """What is computed in one piece.

    Attributes:
        concept: what is steered.
        seed: of the examples, the fit and the sampling.
        method: how.
    """

    concept: str
    seed: int
    method: str

    @property
    def stem(self) -> str:
        """Name of its files, safe on every file system and different for every unit."""
        safe = "".join(one if one.isascii() and one.isalnum() else "-" for one in self.concept)[:40].lower()
        mark = hashlib.sha256(self.concept.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return f"{safe}-{mark}.{self.seed}.{self.method}"

    def __str__(self) -> str:
        return f"{self.method} on {self.concept}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class BenchmarkSettings:
    """The choices behind a results table. Workers, Ray and resuming are not among them: they change no row.

    Attributes:
        model: preset, folder or Hub id.
        sae: of the model; None takes the preset's default.
        methods: names of ``steering.methods.registry``, in the order of the tables.
        concepts: names of the world's concepts, or labels of ``examples``.
        seeds: each is one run of the protocol.
        n_select: prompts that the factor is chosen on.
        n_test: prompts that the result is scored on.
        prompt_seed: of the draw of prompts; every method and seed of a concept gets the same ones.
        samples: completions per prompt and factor.
        max_new_tokens: of a completion.
        positions: which tokens of the examples features and directions are read at; they are written at the same ones.
        temperature: of the sampling; AxBench's is 1.
        n_examples: positives, and as many negatives, that methods are fitted on.
        judge: ``world``, ``openai:MODEL``, ``openai:MODEL@URL``, ``local:MODEL`` or ``python:MODULE:NAME``.
        judge_temperature: of a language model as judge.
        test_factors: ``all`` completes the test half at every factor, which curves, the oracle and equal doses need;
            ``chosen`` at the chosen one alone, as AxBench does, which is far cheaper with a judge that costs.
        batch_size: rows of one batch at most. It is a setting because the last digits of a sum depend on it.
        threads: of torch in each worker, for the same reason.
        device: a torch device.
        dtype: of the model's weights.
        examples: labelled file or AxBench folder; None draws from the embedded world.
        prompts: file of neutral instructions; None draws from the embedded world.

    Raises:
        SteeringError: an unknown method or judge, a number out of range, something named twice, or files missing for a
            model that is not the embedded world's.
    """

    model: str
    methods: tuple[str, ...]
    concepts: tuple[str, ...]
    sae: str | None = None
    seeds: tuple[int, ...] = (0,)
    n_select: int = SELECT_PROMPTS
    n_test: int = TEST_PROMPTS
    prompt_seed: int = 0
    samples: int = 1
    max_new_tokens: int = 64
    positions: Positions = "all"
    temperature: float = 1.0
    n_examples: int = 72
    judge: str = "world"
    judge_temperature: float | None = 0.0
    test_factors: TestFactors = "all"
    batch_size: int = 256
    threads: int = 1
    device: str = "cpu"
    dtype: str = "auto"
    examples: str | None = None
    prompts: str | None = None

    def __post_init__(self) -> None:
        for name in ("methods", "concepts", "seeds"):
            given = getattr(self, name)
            if not given or len(set(given)) != len(given):
                raise SteeringError(f"The benchmark's {name} are {list(given)}; name at least one, and each once.")
        for name in self.methods:
            if method(name).needs_other and len(self.concepts) < 2 and self.examples is not None:
                raise SteeringError(f"The control {name} needs a second concept; name one, or leave it out.")
        lowest = {"n_select": 1, "n_test": 1, "samples": 1, "max_new_tokens": 1, "n_examples": 2, "batch_size": 1}
        for name, low in (lowest | {"threads": 1, "prompt_seed": 0}).items():
            if getattr(self, name) < low:
                raise SteeringError(f"The benchmark's {name} is {getattr(self, name)}; give a number from {low} up.")
        if min(self.seeds) < 0:
            raise SteeringError(f"The seed is {min(self.seeds)}; choose whole numbers from 0 up.")
        if not 0 <= self.temperature <= 10:
            raise SteeringError(f"The temperature is {self.temperature}; choose a number from 0 to 10.")
        if self.test_factors not in get_args(TestFactors):
            raise SteeringError(f"test_factors is {self.test_factors!r}; choose {' or '.join(get_args(TestFactors))}.")
        if self.positions not in POSITIONS:
            raise SteeringError(f"positions is {self.positions!r}; choose {' or '.join(POSITIONS)}.")
        world = is_world_model(self.model)
        if (self.examples is None) != (self.prompts is None):
            raise SteeringError(
                "Examples of your own need prompts of your own; give --examples and --prompts, or neither."
            )
        if not world and self.examples is None:
            raise SteeringError(
                f"{self.model} is no model of the embedded world, which brings its own examples and prompts; give "
                "--examples and --prompts."
            )
        check_judge(self.judge, world=world)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "BenchmarkSettings":
        """Settings as :meth:`to_json` wrote them.

        Raises:
            SteeringError: a name too many, too few, or a value of another type.
        """
        names = [one.name for one in fields(cls)]
        odd = sorted(set(given) ^ set(names))
        if odd:
            raise SteeringError(
                f"The benchmark's settings have {'an unknown' if odd[0] in given else 'no'} {odd[0]!r}; they were "
                "written by another version, so begin a new folder."
            )
        values: dict[str, Any] = {}
        for name, value in given.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        for name, value in values.items():
            if not _fits(cls.__dataclass_fields__[name].type, value):
                raise SteeringError(f"The benchmark's {name} is {value!r}, which is not of its type.")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @property
    def digest(self) -> str:
        """SHA-256 of all settings, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def units(self) -> Iterator[Unit]:
        """Every unit, in the order of the table; those of a concept and seed, which share examples, stand together."""
        for concept in self.concepts:
            for seed in self.seeds:
                for name in self.methods:
                    yield Unit(concept, seed, name)

    @property
    def n_completions(self) -> int:
        """Texts that are written and judged in all."""
        return len(self.concepts) * len(self.seeds) * sum(self.completions_of(name) for name in self.methods)

    def completions_of(self, name: str) -> int:
        """Texts that one unit of a method writes."""
        factors = method(name).n_factors
        tested = factors if self.test_factors == "all" else 1
        return (self.n_select * factors + self.n_test * tested) * self.samples

    @property
    def n_units(self) -> int:
        """How many there are."""
        return len(self.concepts) * len(self.seeds) * len(self.methods)


def choose_methods(text: str, *, n_concepts: int) -> tuple[str, ...]:
    """``all``, or names with commas between them; where there is one concept, ``all`` leaves out what needs two."""
    if text == "all":
        return tuple(name for name in METHOD_NAMES if n_concepts > 1 or not method(name).needs_other)
    return tuple(method(name.strip()).name for name in text.split(","))


def choose_concepts(text: str, available: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """``all``, ``dev``, ``test``, or names with ``;`` or commas between them.

    Args:
        text: as typed.
        available: name and split (``development`` or ``test``) of every concept.

    Raises:
        SteeringError: there is no such concept, or none of that split.
    """
    names = [name for name, _ in available]
    wanted = {"all": ("development", "test"), "dev": ("development",), "test": ("test",)}.get(text)
    if wanted is not None:
        found = tuple(name for name, split in available if split in wanted)
        if not found:
            raise SteeringError(f"No concept is of the split {text!r}; name concepts, or say all.")
        return found
    if text in names:
        return (text,)
    found = tuple(one.strip() for one in text.split(";" if ";" in text else ","))
    unknown = [one for one in found if one not in names]
    if unknown:
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        raise SteeringError(f"There is no concept {unknown[0]!r}; there are {shown}.")
    return found


def _fits(annotation: Any, value: Any) -> bool:
    if value is None:
        return "None" in str(annotation)
    told = str(annotation)
    if "tuple[int" in told:
        return isinstance(value, tuple) and all(type(one) is int for one in value)
    if "tuple[str" in told:
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if "float" in told:
        return type(value) in (int, float)
    return type(value) is (int if "int" in told else str)
