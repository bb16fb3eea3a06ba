"""The cost model's arithmetic, by hand."""

from dataclasses import replace

import pytest

from benchmarks.cost_model import (
    EXAMPLE_TOKENS,
    PROMPT_TOKENS,
    Rates,
    Work,
    assumed,
    axbench,
    main,
    total_work,
    work_of,
)

AXBENCH = axbench(("sae_f1c",), test_factors="all", new_tokens=128)


def test_axbench_writes_140_completions_for_a_method_with_a_dose() -> None:
    """500 concepts make the 70,000 generations of AxBench (method.md, section 6.4)."""
    unit = work_of(AXBENCH, "sae_f1c")
    assert unit.written == 140 * 128
    assert 500 * unit.written // 128 == 70_000
    assert unit.read == 140 * PROMPT_TOKENS
    assert unit.trained == 0


def test_the_chosen_factor_alone_and_no_dose_are_cheaper() -> None:
    assert work_of(replace(AXBENCH, test_factors="chosen"), "diffmean").written == (5 * 14 + 5) * 128
    assert work_of(AXBENCH, "prompt").written == 10 * 128


def test_training_counts_epochs_and_sides() -> None:
    assert work_of(AXBENCH, "lora").trained == 24 * 72 * EXAMPLE_TOKENS
    assert work_of(AXBENCH, "reft_r1").trained == 3 * 2 * 72 * EXAMPLE_TOKENS


def test_the_examples_are_read_once_for_all_sae_methods_of_a_concept() -> None:
    ten = replace(AXBENCH, concepts=AXBENCH.concepts[:10])
    one = total_work(ten)
    two = total_work(replace(ten, methods=("sae_f1c", "sae_auroc")))
    assert one.read == 10 * (140 * PROMPT_TOKENS + 2 * 72 * EXAMPLE_TOKENS)
    assert two.read - one.read == 10 * 140 * PROMPT_TOKENS


def test_assumed_rates_say_so_and_follow_from_the_data_sheet(capsys, monkeypatch) -> None:
    rates = assumed("gemma-2-9b", batch=140)
    assert rates.read == pytest.approx(0.4 * 312e12 / 18.48e9)
    assert rates.trained == pytest.approx(rates.read / 3)
    # A batch so small that memory is what binds.
    assert assumed("gemma-2-9b", batch=14).written == pytest.approx(0.1 * 14 * 2e12 / 18.48e9)
    monkeypatch.setattr("sys.argv", ["cost_model", "--assumed", "gemma-2-9b"])
    assert main() == 0
    printed = capsys.readouterr().out
    assert printed.startswith("ASSUMED, NOT MEASURED: gemma-2-9b on an A100")
    row = next(line for line in printed.splitlines() if line.startswith("| at every factor"))
    one, eight, many = (float(cell.replace(",", "")) for cell in row.split("|")[3:6])
    assert (one / 8, one / 64) == (pytest.approx(eight, abs=0.06), pytest.approx(many, abs=0.06))


def test_seconds_are_tokens_over_rates() -> None:
    assert Work(100, 200, 300).seconds(Rates(10.0, 100.0, 50.0, 8)) == pytest.approx(10 + 2 + 6)
