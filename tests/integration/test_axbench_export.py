"""Can a benchmark's own table be evaluated by AxBench?"""

import pandas as pd

from steering import runtime
from steering.benchmark.collect import read_results
from steering.benchmark.runner import run_benchmark
from steering.examples.axbench_concepts import AxBenchConcept
from steering.interchange.axbench_steering import (
    RATINGS,
    read_steering_results,
    steering_frame,
    steering_results,
    write_steering_data,
    write_steering_results,
)
from tests.tiny import tiny_llama
from tests.tiny_bench import CONCEPTS, bench_settings, write_bench


def test_the_table_of_a_run_is_written_for_axbench_and_its_ratings_come_back(tmp_path):
    settings = bench_settings(write_bench(tmp_path, tiny_llama()), methods=("none", "diffmean"))
    run_benchmark(settings, tmp_path / "run")
    runtime.shelf().clear()
    table = read_results(tmp_path / "run", None)
    concepts = [AxBenchConcept(concept_id, name, "") for concept_id, name in enumerate(CONCEPTS)]
    frame = pd.read_parquet(write_steering_data(tmp_path, steering_frame(table, concepts)))
    assert len(frame) == 2 * 5 * 14
    assert set(frame["factor"]) == set(table.loc[table["method"] == "diffmean", "factor"])
    key = ["concept", "prompt"]
    plain = table[table["method"] == "none"].set_index(key)["text"]
    dosed = table[table["method"] == "diffmean"].set_index([*key, "factor"])["text"]
    for row in frame.itertuples():
        assert row.none_steered_generation == plain[row.input_concept, row.input]
        assert row.diffmean_steered_generation == dosed[row.input_concept, row.input, row.factor]
    back = read_steering_results(
        write_steering_results(tmp_path, "test", steering_results(table, concepts, "test"))
    ).set_index(["method", "factor"])
    means = table[table["half"] == "test"].groupby(["method", "factor"])[list(RATINGS)].mean()
    pd.testing.assert_frame_equal(back.groupby(level=[0, 1])[list(RATINGS)].mean(), means, check_dtype=False)
