"""How does a finding stand in a document? Markdown between markers, so that it can be made again."""

import math
import re
from collections.abc import Sequence

from steering.benchmark.stored import StoredResult
from steering.errors import SteeringError
from steering.evidence.bootstrap import Interval
from steering.findings.claims import Claim
from steering.findings.contrasts import MethodsFinding
from steering.findings.results import Finding
from steering.findings.sparsity import SparsityFinding
from steering.findings.words import number, phrase, signed

PACKAGES = ("steerscope", "torch", "transformers", "python")


def as_markdown(claim: Claim, finding: Finding, results: Sequence[StoredResult]) -> str:
    """Question, verdict, tables and where they come from."""
    tables = _methods(finding) if isinstance(finding, MethodsFinding) else _sparsities(finding)
    rests_on = " ".join([finding.scale.sentence(), *finding.notes])
    parts = [f"### {claim.question}", f"**{finding.verdict}**", *tables, rests_on, provenance(results)]
    return "\n\n".join(parts)


def provenance(results: Sequence[StoredResult]) -> str:
    """Model, SAEs, seeds, versions and date of results, in a sentence or two."""
    first = results[0]
    saes = list(dict.fromkeys(str(one.settings.sae or "the default one") for one in results))
    seeds = ", ".join(map(str, first.settings.seeds))
    versions = ", ".join(f"{name} {first.versions[name]}" for name in PACKAGES if name in first.versions)
    made = max(one.made for one in results)
    weights = ", ".join(dict.fromkeys(one.manifest.weights[:12] for one in results))
    others = "".join(f", rows of other code too: {code[:12]}" for code in first.manifest.other_codes)
    return (
        f"Model {first.settings.model} (weights {weights}); SAE {', '.join(saes)}; seed {seeds}; {versions}; code "
        f"{first.manifest.code[:12]}{others}; finished {made} UTC."
    )


def replace_between(text: str, name: str, inner: str) -> str:
    """``text`` with what stands between the markers of ``name`` replaced.

    Raises:
        SteeringError: the markers are not there.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise SteeringError(f"The document has no markers {start} and {end}; put them where the figures belong.")
    return pattern.sub(lambda _: f"{start}\n{inner}\n{end}", text)


def _methods(finding: MethodsFinding) -> list[str]:
    scores = [
        (
            row.method,
            _estimate(row.overall),
            _plain(row.concept),
            _plain(row.instruction),
            _plain(row.fluency),
            _plain(row.kl),
        )
        for row in finding.scores
    ]
    contrasts = [
        (f"{phrase(one.ours)} − {phrase(one.theirs)}", number(one.difference.value), _limits(one.difference))
        for one in finding.contrasts
    ]
    return [
        _table(("method", "overall, 0 to 2 (95 % interval)", "concept", "instruction", "fluency", "KL, nats"), scores),
        _table(("difference, paired over concepts", "mean", "95 % interval"), contrasts),
    ]


def _sparsities(finding: SparsityFinding) -> list[str]:
    tau = {(at.layer, at.l0): _estimate(at.found) for at in finding.correlations}
    rows = [(at.layer, at.l0, _estimate(at.found), tau.get((at.layer, at.l0), "–")) for at in finding.scores]
    trends = [("score, mean over layers", number(finding.slope.value, 3), _limits(finding.slope, 3))]
    trends += [
        (f"score after block {layer}", number(one.value, 3), _limits(one, 3)) for layer, one in finding.slopes.items()
    ]
    trends += [
        (f"Kendall's τ after block {layer}", number(one.value), _limits(one)) for layer, one in finding.trends.items()
    ]
    return [
        _table(("block", "l0", "overall (95 % interval)", "Kendall's τ of F1c with overall (95 % interval)"), rows),
        _table(("change with each doubling of l0", "estimate", "95 % interval"), trends),
    ]


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _plain(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _estimate(interval: Interval) -> str:
    limits = f" ({interval.low:.2f} to {interval.high:.2f})" if interval.is_known else ""
    return f"{_plain(interval.value)}{limits}".replace("-", "−")


def _limits(interval: Interval, digits: int = 2) -> str:
    return signed(interval, digits=digits) if interval.is_known else "–"
