"""Do the tables of the document say what the stored result says, and stand where its markers are?"""

from pathlib import Path

import pytest

from benchmarks.benchmark_tables import as_markdown
from benchmarks.store_result import write
from steering.benchmark.report import report
from steering.benchmark.stored import StoredResult, read_stored, store
from steering.errors import SteeringError
from tests.drawn_bench import settings, write_run


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredResult:
    folder = tmp_path_factory.mktemp("stored")
    judge = "python:tests.unit.benchmark.stub_judge:StubJudge"
    return read_stored(store(write_run(folder / "run", settings(judge=judge)), into=folder / "results"))


def line(text: str, name: str, *, after: str) -> list[str]:
    """Cells of a method's row in the first table after some words."""
    row = next(one for one in text[text.index(after) :].splitlines() if one.startswith(f"| `{name}`"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_scores_and_wins_are_the_reports(stored: StoredResult) -> None:
    told = as_markdown(stored, n_resamples=100)
    board = report(stored.read(), reference="sae_f1c", n_resamples=100)
    for row in board[board["split"] == "test"].to_dict(orient="records"):
        cells = line(told, row["method"], after="test concepts")
        assert cells[1].startswith(f"{row['score']:.3f}")
        assert cells[2] == ("–" if row["method"] == "sae_f1c" else f"{row['win_rate'] * 100:.0f} %")
        assert cells[4] == f"{row['concept_score']:.2f}"
    assert told.index("`prompt`") < told.index("`none`"), "best first"


def test_equal_doses_and_texts_stand_below(stored: StoredResult) -> None:
    told = as_markdown(stored, n_resamples=100)
    dose = "At the dose of `sae_f1c`"
    assert "At the dose of `lora`" not in told, "it was not run"
    own, other = (line(told, name, after=dose) for name in ("sae_f1c", "diffmean"))
    assert own[-1] == other[-1], "the same KL"
    assert own[2:4] == ["–", "–"]
    assert line(told, "none", after="The texts themselves")[1:3] == ["1.00", "0 %"]
    assert "`sae_f1c`: 1 features for 3 concepts. Shared: 7: " in told


def test_tables_are_written_between_their_markers_alone(stored: StoredResult, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- benchmark-demo -->\nold\n<!-- end of benchmark-demo -->\nafter\n")
    assert write(document, stored.path.parent) == ["benchmark-demo"]
    text = document.read_text()
    assert text.startswith("before\n<!-- benchmark-demo -->\n")
    assert text.endswith("\n<!-- end of benchmark-demo -->\nafter\n")
    assert "old" not in text
    assert as_markdown(stored) in text
    document.write_text("no markers")
    with pytest.raises(SteeringError, match="no markers of a stored result"):
        write(document, stored.path.parent)


def test_the_document_has_markers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text(encoding="utf-8")
    assert "<!-- benchmark-demo -->" in text
    assert "<!-- end of benchmark-demo -->" in text
