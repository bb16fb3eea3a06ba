"""Which labels of features are right, in a world whose every sentence says what it expresses?

1. Fresh answers are written: by the whole grammar, or with frames and wordings that the labelled examples never use.
2. The features are read in context and counted sentence by sentence: the share of a sentence's tokens on which each
   fires.
3. For every concept the sentences that express it stand against the sentences of answers that do not carry it; what
   else stands in an answer that carries it is left out, because the model may well keep the concept in mind there.
4. A label is right if, of all concepts, its own has the highest F1c of that feature on the fresh sentences. It *finds*
   its concept if the AUROC of the concept's own sentences is at least 0.9 besides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array, csr_array

from steering.errors import WorldError
from steering.scores.auroc import auroc
from steering.scores.calibrated_f1 import sweep
from steering.world.answers import Sentence, write_answer
from steering.world.chance import Chance
from steering.world.concepts import concepts
from steering.world.labelled import ExampleSplit, positive_plan
from steering.world.plans import with_parents
from steering.world.requests import draw_request, punctuate

if TYPE_CHECKING:
    import pandas as pd

    from steering.models import LanguageModel
    from steering.saes import SparseAutoencoder

MAX_Q = 0.05
FINDS = 0.9
"""AUROC from which a feature finds the sentences of a concept."""

_CODES_AT_ONCE = 2**25
_TOKENS_PER_ANSWER = 128


@dataclass(frozen=True, slots=True)
class FreshAnswer:
    """An answer of which every sentence is known.

    Attributes:
        prompt: what it answers.
        sentences: in order.
        carries: names of the concepts of the whole answer, parents included.
    """

    prompt: str
    sentences: tuple[Sentence, ...]
    carries: tuple[str, ...]

    @property
    def text(self) -> str:
        """The answer as the model reads it."""
        return " ".join(sentence.text for sentence in self.sentences)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTruth:
    """How well every feature reads the sentences of every concept.

    Attributes:
        concepts: names, one per column.
        f1c: largest calibrated F1 over all thresholds.
        auroc: of the share of tokens on which the feature fires.
        n_sentences: that express each concept.
    """

    concepts: tuple[str, ...]
    f1c: Float[np.ndarray, "d_sae n_concepts"]
    auroc: Float[np.ndarray, "d_sae n_concepts"]
    n_sentences: Int[np.ndarray, " n_concepts"]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedLabels:
    """Labels of features, held against the truth.

    Attributes:
        carried: the concept with the highest F1c of each feature; None where the feature fires on none.
        right: whether that is the label.
        finds: right, and its AUROC is at least 0.9.
        precision: share of the labels that are right; None without labels.
        finding_precision: share of the labels that are right and find; None without labels.
        recall: share of all concepts with at least one right label.
        finding_recall: share of all concepts with at least one label that is right and finds.
        chance: precision to be expected if the same labels were exchanged among the same features; None without labels.
        missed: concepts without a right label.
    """

    carried: tuple[str | None, ...]
    right: Bool[np.ndarray, " n_labels"]
    finds: Bool[np.ndarray, " n_labels"]
    precision: float | None
    finding_precision: float | None
    recall: float
    finding_recall: float
    chance: float | None
    missed: tuple[str, ...]


def fresh_answers(per_concept: int, *, seed: int = 0, split: ExampleSplit | None = None) -> tuple[FreshAnswer, ...]:
    """``per_concept`` answers planned for each concept, and as many plain ones as two concepts have.

    Args:
        per_concept: answers for each concept.
        seed: the same seed gives the same answers.
        split: ``heldout`` shares no frame and no wording with labelled examples of the split ``train``; None is the
            whole grammar, as in the language models' corpus.

    Raises:
        WorldError: a count below 1.
    """
    if per_concept < 1:
        raise WorldError(f"The count is {per_concept}; ask for at least 1 answer per concept.")
    rng = Chance(f"fresh answers {split or 'both'} {seed}")
    plans = [positive_plan(one.name, rng) for one in concepts() for _ in range(per_concept)]
    plans += [() for _ in range(2 * per_concept)]
    answers = []
    for plan in plans:
        request = draw_request(rng)
        sentences = write_answer(request, plan, rng, fold=split)
        answers.append(FreshAnswer(punctuate(request, request.text), sentences, with_parents(plan)))
    return tuple(answers)


def read_sentences(
    model: "LanguageModel",
    sae: "SparseAutoencoder",
    answers: Sequence[FreshAnswer],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> csc_array:
    """``[n_sentences d_sae]``: share of each sentence's tokens on which each feature fires, all answers in order.

    A token belongs to the sentence in which its last character stands.

    Args:
        model: reads every answer behind its prompt.
        sae: fitted to the model.
        answers: at least one.
        on_progress: told answers done and in all.

    Raises:
        WorldError: the tokens of an answer do not spell it.
    """
    from steering.activations import token_activations
    from steering.encoding import encode_example

    size = max(1, _CODES_AT_ONCE // (sae.d_sae * _TOKENS_PER_ANSWER))
    pieces = []
    for start in range(0, len(answers), size):
        block = answers[start : start + size]
        read = token_activations(
            model, sae, [one.text for one in block], [one.prompt for one in block], range(sae.d_sae)
        )
        for answer, found in zip(block, read, strict=True):
            n_own = encode_example(model, answer.text, answer.prompt).n_last
            own = np.flatnonzero(found.eligible)[-n_own:]
            sentence = sentence_of_tokens(
                [found.tokens[place] for place in own], [one.text for one in answer.sentences]
            )
            fires = np.zeros((len(answer.sentences), sae.d_sae))
            np.add.at(fires, sentence, found.values[own] > 0)
            counts = np.bincount(sentence, minlength=len(answer.sentences))
            pieces.append(csr_array((fires / np.maximum(counts, 1)[:, None]).astype(np.float32)))
        if on_progress is not None:
            on_progress(start + len(block), len(answers))
    from scipy.sparse import vstack

    return csc_array(vstack(pieces, format="csr"))


def sentence_of_tokens(tokens: Sequence[str], sentences: Sequence[str]) -> Int[np.ndarray, " n_tokens"]:
    """Which sentence each token belongs to: the one in which its last character stands.

    Args:
        tokens: what each adds to the text.
        sentences: joined by one space they are the text.

    Raises:
        WorldError: the tokens spell something else.
    """
    text, spelled = " ".join(sentences), "".join(tokens)
    if spelled != text:
        raise WorldError(f"The tokens spell {spelled[:60]!r}, the answer begins {text[:60]!r}; they must be the same.")
    starts = np.cumsum([0, *(len(sentence) + 1 for sentence in sentences[:-1])])
    last = np.cumsum([len(token) for token in tokens]) - 1
    return np.searchsorted(starts, np.maximum(last, 0), side="right") - 1


def find_truth(frequency: csc_array, answers: Sequence[FreshAnswer], *, pi0: float) -> FeatureTruth:
    """F1c and AUROC of every feature for every concept on the sentences of the answers.

    Args:
        frequency: see :func:`read_sentences`.
        answers: in the same order.
        pi0: prior of the calibrated F1.

    Raises:
        WorldError: rows and sentences differ in number, or a concept is expressed nowhere, or everywhere.
    """
    names = tuple(one.name for one in concepts())
    sentences = [(answer, sentence) for answer in answers for sentence in answer.sentences]
    if frequency.shape[0] != len(sentences):
        raise WorldError(f"There are {frequency.shape[0]} rows for {len(sentences)} sentences; read them together.")
    f1c = np.zeros((frequency.shape[1], len(names)))
    area = np.zeros_like(f1c)
    n_sentences = np.zeros(len(names), dtype=np.int64)
    by_row = csr_array(frequency)
    for column, name in enumerate(names):
        own = np.array([name in sentence.concepts for _, sentence in sentences])
        rows = own | np.array([name not in answer.carries for answer, _ in sentences])
        positive = own[rows]
        if not 0 < positive.sum() < len(positive):
            raise WorldError(f"{positive.sum()} of {len(positive)} fresh sentences express {name}; write more answers.")
        of_rows = csc_array(by_row[np.flatnonzero(rows)])
        f1c[:, column] = sweep(of_rows, positive[:, None], pi0=pi0).f1c(0)
        area[:, column] = auroc(of_rows, positive)
        n_sentences[column] = positive.sum()
    return FeatureTruth(names, f1c, area, n_sentences)


def accepted_labels(table: "pd.DataFrame", *, max_q: float = MAX_Q) -> "pd.DataFrame":
    """The rows of a table of labels that name their feature and hold on the test part: best label, q at most ``max_q``.

    Args:
        table: see :func:`steering.feature_labels.labels_table`.
        max_q: largest q-value; a row without one is not accepted.
    """
    return table[table["best_label"].astype(bool) & (table["q_value"].astype(float) <= max_q)]


def judge_labels(feature_ids: Int[np.ndarray, " n_labels"], labels: Sequence[str], truth: FeatureTruth) -> JudgedLabels:
    """Hold one label for each feature against the truth.

    Args:
        feature_ids: of the labelled features.
        labels: name of a concept for each.
        truth: of all features.

    Raises:
        WorldError: a label that is no concept of the truth.
    """
    place = {name: column for column, name in enumerate(truth.concepts)}
    unknown = next((label for label in labels if label not in place), None)
    if unknown is not None:
        raise WorldError(f"The label {unknown!r} is no concept of the world; label its own examples.")
    said = np.array([place[label] for label in labels], dtype=np.int64)
    ids = np.asarray(feature_ids, dtype=np.int64)
    best = truth.f1c[ids].argmax(axis=1) if len(ids) else np.zeros(0, dtype=np.int64)
    # A feature that fires on no sentence of any concept carries none of them, whichever column comes first.
    right = (best == said) & (truth.f1c[ids, best] > 0)
    finds = right & (truth.auroc[ids, said] >= FINDS)
    n = len(truth.concepts)
    shares = [np.bincount(columns, minlength=n) / max(1, len(ids)) for columns in (said, best)]
    return JudgedLabels(
        carried=tuple(
            truth.concepts[column] if truth.f1c[feature, column] > 0 else None
            for feature, column in zip(ids.tolist(), best.tolist(), strict=True)
        ),
        right=right,
        finds=finds,
        precision=float(right.mean()) if len(ids) else None,
        finding_precision=float(finds.mean()) if len(ids) else None,
        recall=len(set(said[right].tolist())) / n,
        finding_recall=len(set(said[finds].tolist())) / n,
        chance=float(shares[0] @ shares[1]) if len(ids) else None,
        missed=tuple(name for name, column in place.items() if column not in set(said[right].tolist())),
    )
