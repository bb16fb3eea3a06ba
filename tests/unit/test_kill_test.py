"""The kill test must see a difference: one that sees none proves nothing. Killing itself is in tests/integration."""

import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.kill_test import difference, run_until


def folder(path: Path, **columns: list[object]) -> Path:
    path.mkdir()
    pq.write_table(pa.table(columns), path / "results.parquet")
    (path / "details.json").write_text("[]\n")
    return path


def test_a_changed_value_a_lost_row_and_other_details_are_seen(tmp_path: Path) -> None:
    whole = folder(tmp_path / "whole", text=["a", "b"], kl=[0.5, None])
    assert difference(whole, folder(tmp_path / "same", text=["a", "b"], kl=[0.5, None])) == ""
    assert difference(whole, folder(tmp_path / "kl", text=["a", "b"], kl=[0.5 + 1e-12, None])) == "Row 0 differs in kl."
    assert "2 and 1 rows" in difference(whole, folder(tmp_path / "lost", text=["a"], kl=[0.5]))
    other = folder(tmp_path / "details", text=["a", "b"], kl=[0.5, None])
    (other / "details.json").write_text("[{}]\n")
    assert "details.json" in difference(whole, other)


def test_a_process_is_killed_with_its_children(tmp_path: Path) -> None:
    """The child would write the file a moment later."""
    late = tmp_path / "late"
    child = f"import time; time.sleep(0.6); open({str(late)!r}, 'w')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])"
    assert run_until([sys.executable, "-S", "-c", parent], 0.3)
    time.sleep(0.5)
    assert not late.exists()
    assert not run_until([sys.executable, "-S", "-c", ""], 30)
    with pytest.raises(SystemExit, match="ended with 3"):
        run_until([sys.executable, "-S", "-c", "raise SystemExit(3)"], 30)
