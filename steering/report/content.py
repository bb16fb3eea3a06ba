"""What stands in a report? Plain values only: whoever has these can render it anywhere."""

from dataclasses import dataclass

from steering.report.methods import MethodSummary


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One example, token by token.

    Attributes:
        label: positive or negative.
        title: which example.
        peak: its largest activation.
        tokens: text of each token with its activation as a share of the feature's max_act, 0 to 1.
    """

    label: str
    title: str
    peak: float
    tokens: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """One chosen feature.

    Attributes:
        feature_id: of the SAE.
        written: how it is written, in words.
        promotes: tokens that it promotes, most first.
        max_act: unit of its factor.
        rows: examples on which it fires most.
        address: its page on Neuronpedia, None without.
    """

    feature_id: int
    written: str
    promotes: tuple[str, ...]
    max_act: float
    rows: tuple[HeatRow, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True)
class RankedRow:
    """One row of the ranking; None is "not measured"."""

    feature_id: int
    chosen: bool
    promotes: str
    f1c: float
    auroc: float | None
    interval: tuple[float, float] | None
    q_value: float | None
    output_score: float | None
    support: int
    density: float


@dataclass(frozen=True, slots=True)
class RankingPart:
    """How the features were found.

    Attributes:
        label: what was looked for.
        n_positive: examples with it.
        n_negative: examples without.
        noise_floor: F1c that shuffled labels reach.
        held_out: whether AUROC and q-value are of examples nothing was fitted on.
        rows: best first.
        n_features: ranked in all.
        warnings: what makes it doubtful.
    """

    label: str
    n_positive: int
    n_negative: int
    noise_floor: float
    held_out: bool
    rows: tuple[RankedRow, ...]
    n_features: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion.

    Attributes:
        method: title of its method.
        text: what was written.
        overall: of the judge, None without one.
        ratings: concept, instruction and fluency in words.
        reasons: of the judge.
        measures: KL, perplexity, repetition in words.
        receipt: what was really done, name and value.
    """

    method: str
    text: str
    overall: float | None
    ratings: str
    reasons: tuple[str, ...]
    measures: str
    receipt: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PromptPart:
    """One prompt with the answers of all methods: per method, its samples."""

    prompt: str
    answers: tuple[tuple[Answer, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison.

    Attributes:
        title: of the document.
        made: when, as text.
        facts: model, SAE, hook point, mode and the like, name and value.
        methods: over all prompts, baseline first.
        judge: who scored, None where nobody did.
        prompts: with their answers.
        features: chosen ones.
        ranking: how they were found, None where it is not known.
        recipe: JSON that runs it again, None without.
        versions: of the packages.
    """

    title: str
    made: str
    facts: tuple[tuple[str, str], ...]
    methods: tuple[MethodSummary, ...]
    judge: str | None
    prompts: tuple[PromptPart, ...]
    features: tuple[FeaturePart, ...] = ()
    ranking: RankingPart | None = None
    recipe: str | None = None
    versions: tuple[tuple[str, str], ...] = ()
