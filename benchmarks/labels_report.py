"""How right are the labels that features of the embedded world get? Reprints the figures of docs/labels.md.

All concepts at once are one multi-label set; `steering.labelling` labels the features, and fresh sentences whose
concepts are known say which labels are right (steering/world/label_truth.py). With ``--out`` the table is kept:

    python -m benchmarks.labels_report --out steering/world/results/labels-demo.parquet
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from benchmarks.world_report import table
from steering.activations import collect_statistics
from steering.examples import ColumnMapping, LabelledExamples, build_examples, table_from_frame
from steering.feature_labels import (
    LabellingSettings,
    deal_parts,
    judge_pairs,
    labels_table,
    sweep_pairs,
    write_labels,
)
from steering.feature_labels.source import ExampleSource, from_examples
from steering.feature_labels.table import admitted_features
from steering.labelling import label_features
from steering.presets import preset
from steering.statistics import FeatureStatistics
from steering.workbench import open_pair
from steering.world import shipped
from steering.world.label_truth import (
    FINDS,
    MAX_Q,
    FeatureTruth,
    accepted_labels,
    find_truth,
    fresh_answers,
    judge_labels,
    read_sentences,
)
from steering.world.labelled import ExampleSplit, all_concepts_examples
from steering.world.plans import related
from steering.world.voices import voices

FRESH_SEED = 1
WHOLE, OTHER = "the whole grammar", "other wordings"
SAMPLES: dict[str, ExampleSplit | None] = {WHOLE: None, OTHER: "heldout"}
"""Where the fresh sentences come from."""


def all_concepts(per_concept: int, seed: int) -> LabelledExamples:
    """The labelled set: every answer with all of its concepts."""
    frame = all_concepts_examples(per_concept, seed=seed)
    mapping = ColumnMapping("text", "labels", "prompt", "group", "several")
    return build_examples(table_from_frame(frame, name="All concepts of the embedded world"), mapping)[0]


def shuffled(source: ExampleSource, statistics: FeatureStatistics, settings: LabellingSettings, pi0: float, seed: int):
    """The table of labels that examples get when their label rows are dealt among them at random."""
    rows = np.random.default_rng(seed).permutation(source.n)
    labels = csc_array(source.labels[rows])
    labels.sort_indices()
    parts = deal_parts(source.groups, labels, seed=settings.seed)
    labels_of = [csc_array(labels[part]) for part in (parts.train, parts.validation, parts.test)]
    for part in labels_of:
        part.sort_indices()
    frequency = [csc_array(statistics.frequency[part]) for part in (parts.train, parts.validation, parts.test)]
    pairs = sweep_pairs(
        frequency[0],
        labels_of[0],
        (pi0,),
        top=settings.top,
        min_support=settings.min_support,
        admitted=admitted_features(statistics.density, settings.max_density),
    )[pi0]
    n_positive = np.diff(labels_of[0].indptr)
    return labels_table(
        pairs,
        source.label_names,
        validation=judge_pairs(pairs, frequency[1], labels_of[1], pi0=pi0),
        test=judge_pairs(pairs, frequency[2], labels_of[2], pi0=pi0),
        n_positive=n_positive,
        n_negative=len(parts.train) - n_positive,
        max_act=statistics.max_act,
        density=statistics.density,
    )


def weights_of(model: str, sae: str) -> dict[str, str]:
    """sha256 of the weights that made the table, so that a world that was trained anew is told from the old one."""
    folders = {"model": Path(preset(model).model), "sae": Path(preset(model).sae(sae))}
    return {
        f"{kind}_sha256": shipped.sha256(next(iter(sorted(folder.glob("*.safetensors")))))
        for kind, folder in folders.items()
    }


def judged_row(name: str, judged: Any, n: int) -> tuple[object, ...]:
    """A row of the table of figures."""

    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    return (
        name, n, share(judged.precision), share(judged.finding_precision), f"{judged.recall:.3f}",
        f"{judged.finding_recall:.3f}", share(judged.chance),
    )  # fmt: skip


def main() -> None:
    """Label, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--sae", help="the model's default SAE without it")
    parser.add_argument("--per-concept", type=int, default=40, help="labelled answers per concept")
    parser.add_argument("--fresh", type=int, default=20, help="fresh answers per concept, for the truth")
    parser.add_argument("--shuffles", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="keep the table as .parquet")
    arguments = parser.parse_args()
    began = time.process_time()
    sae_name = arguments.sae or preset(arguments.model).default_sae
    settings = LabellingSettings(top=20, seed=arguments.seed)
    examples = all_concepts(arguments.per_concept, arguments.seed)
    source = from_examples(examples)
    samples = {
        told: fresh_answers(arguments.fresh, seed=arguments.seed + FRESH_SEED, split=split)
        for told, split in SAMPLES.items()
    }
    with open_pair(arguments.model, sae_name) as loaded, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "labels.parquet"
        run = label_features(loaded.model, loaded.sae, source, out, settings)
        statistics = collect_statistics(loaded.model, loaded.sae, examples.texts, examples.prompts)
        read = {told: read_sentences(loaded.model, loaded.sae, answers) for told, answers in samples.items()}
    pi0 = float(run.metadata["pi0"])
    truths = {told: find_truth(read[told], answers, pi0=pi0) for told, answers in samples.items()}
    truth = truths[WHOLE]
    several = int((examples.labels.sum(axis=1) > 1).sum())
    print(
        f"{arguments.model}, {sae_name}: {examples.n} examples ({several} with several labels), "
        f"{len(examples.label_names)} labels, pi0 {pi0:g}; truth from {read[WHOLE].shape[0]} fresh sentences of "
        f"{len(samples[WHOLE])} answers\n"
    )
    accepted = accepted_labels(run.table)
    everything = run.table[run.table["best_label"]]
    judged = judge(accepted, truth)
    rows = [
        judged_row(f"{name}; sentences of {told}", judge(chosen, found), len(chosen))
        for told, found in truths.items()
        for name, chosen in ((f"accepted (q <= {MAX_Q})", accepted), ("accepted or not", everything))
    ]
    counts, right = [], 0
    for seed in range(arguments.shuffles):
        null = accepted_labels(shuffled(source, statistics, settings, pi0, seed))
        counts.append(len(null))
        right += int(judge(null, truth).right.sum())
    table(("labels", "features", "right", "and finds", "concepts with a right one", "that finds", "by chance"), rows)
    print(
        f"labels shuffled among the examples, {arguments.shuffles} times: {np.mean(counts):.2f} accepted on average "
        f"({max(counts, default=0)} at most), {right} of {sum(counts)} right\n"
    )
    wrong = [
        (said, carried) for said, carried, right in zip(accepted["label"], judged.carried, judged.right, strict=True)
        if not right
    ]  # fmt: skip
    kin = sum(carried is not None and related(voices()[said], voices()[carried]) for said, carried in wrong)
    print(f"of the {len(wrong)} accepted labels that are wrong, {kin} name a relative of what the feature carries\n")
    first_features(run.table, truth)
    print(f"concepts without a right label: {', '.join(judged.missed) or 'none'}")
    print(f"[{time.process_time() - began:.0f} s of one core]")
    if arguments.out is not None:
        known = run.metadata | {
            "world": weights_of(arguments.model, sae_name),
            "made_with": "python -m benchmarks.labels_report",
            "per_concept": arguments.per_concept,
            "seed": arguments.seed,
            "truth": {
                "sentences_of": WHOLE,
                "accepted": len(accepted),
                "precision": judged.precision,
                "recall": judged.recall,
                "finding_precision": judged.finding_precision,
                "finding_recall": judged.finding_recall,
            },
        }
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        write_labels(arguments.out, run.table, known)
        print(f"{arguments.out}: {len(run.table):,} rows, {arguments.out.stat().st_size / 1000:.0f} kB")


def judge(rows: Any, truth: FeatureTruth) -> Any:
    """The labels of some rows, held against the truth."""
    return judge_labels(rows["feature_id"].to_numpy(), rows["label"].tolist(), truth)


def first_features(labels: Any, truth: FeatureTruth) -> None:
    """What the first feature of every label, chosen on the training part, does on the fresh sentences."""
    first = labels[labels["rank"] == 1]
    judged = judge(first, truth)
    columns = [truth.concepts.index(label) for label in first["label"]]
    area = truth.auroc[first["feature_id"].to_numpy(), columns]
    rows = [
        (row.label, row.feature_id, row.f1c_test, row.q_value, truth.f1c[row.feature_id, column], own, carried or "-")
        for row, column, own, carried in zip(first.itertuples(), columns, area, judged.carried, strict=True)
    ]
    table(("first feature of", "feature", "F1c test", "q", "F1c of sentences", "AUROC of sentences", "carries"), rows)
    print(
        f"first features: {judged.right.sum()} of {len(first)} right, AUROC of their concept's sentences: median "
        f"{np.median(area):.3f}, lowest {area.min():.3f}, at least {FINDS} for {(area >= FINDS).sum()}\n"
    )


if __name__ == "__main__":
    main()
