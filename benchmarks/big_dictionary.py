"""What do dictionaries of 16 thousand to a million features cost to read, in time per token and in memory?

Run from the repository root: ``python -m benchmarks.big_dictionary --d-sae 16384 131072 1048576 --d-model 2304``.
Prints a Markdown table. Weights are synthetic (JumpReLU, about 100 features fire on a token); residuals stand in for a
model's, so that only reading the dictionary and ranking its features are measured. Each size runs in a process of its
own. Weights that would not fit into ``--max-gib`` are narrowed, and the table says to which d_model.
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

N_EXAMPLES = 40
TOKENS_PER_EXAMPLE = 25
FIRING = 100


def main() -> None:
    """Print the table, or with ``--one`` a line of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--d-sae", type=int, nargs="+", default=[16_384, 131_072, 1_048_576])
    parser.add_argument("--d-model", type=int, default=2304)
    parser.add_argument("--max-gib", type=float, default=3.0, help="for both weight matrices together")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one_size(arguments.d_sae[0], arguments.d_model)
        return
    print("| d_sae | d_model | weights | reading, per token | memory that reading adds | one dense table "
          "| ranking, one label | memory that ranking adds |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for d_sae in arguments.d_sae:
        fits = int(arguments.max_gib * 2**30 / (2 * 4 * d_sae))
        d_model = arguments.d_model if arguments.d_model <= fits else 2 ** (fits.bit_length() - 1)
        given = ["--one", "--d-sae", str(d_sae), "--d-model", str(d_model)]
        subprocess.run([sys.executable, "-m", "benchmarks.big_dictionary", *given], check=True)


def peak_mib() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_size(d_sae: int, d_model: int) -> None:
    """Measure one dictionary and print its line."""
    import torch

    from steering.hook_points import HookPoint
    from steering.ranking import RankingSettings, rank_features
    from steering.saes import SparseAutoencoder
    from steering.statistics import FeatureStatistics
    from steering.tally import Tally

    generator = torch.Generator().manual_seed(0)
    W_dec = torch.empty(d_sae, d_model).normal_(generator=generator).mul_(d_model**-0.5)
    W_enc = torch.empty(d_model, d_sae).normal_(generator=generator).mul_(d_model**-0.5)
    resid = torch.randn(N_EXAMPLES * TOKENS_PER_EXAMPLE, d_model, generator=generator)
    level = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(1 - FIRING / d_sae))
    sae = SparseAutoencoder(
        architecture="jumprelu",
        hook_point=HookPoint(0, "resid_post"),
        W_enc=W_enc,
        W_dec=W_dec,
        b_dec=torch.zeros(d_model),
        b_enc=torch.zeros(d_sae),
        threshold=torch.full((d_sae,), float(level)),
        decoder_norms=torch.ones(d_sae),
        decoder_norms_folded=False,
        apply_b_dec_to_input=False,
    )
    examples = torch.arange(N_EXAMPLES).repeat_interleave(TOKENS_PER_EXAMPLE)
    n_tokens = np.full(N_EXAMPLES, TOKENS_PER_EXAMPLE)
    sae.encode(resid[:1])
    loaded = peak_mib()
    began = time.perf_counter()
    tally = Tally(sae, n_tokens)
    tally.add(resid, examples, torch.ones(len(resid), dtype=torch.bool))
    frequency, maximum, mean = tally.matrices()
    reading, read = (time.perf_counter() - began) / len(resid), peak_mib()
    statistics = FeatureStatistics(
        frequency=frequency,
        maximum=maximum,
        mean=mean,
        n_tokens=n_tokens,
        max_act=tally.max_act,
        density=tally.density,
        resid_norm=1.0,
    )

    class Rows:
        train, heldout = np.arange(28), np.arange(28, N_EXAMPLES)

    positive = (np.arange(N_EXAMPLES) % 2 == 0)[:, None]
    began = time.perf_counter()
    rank_features(statistics, positive, ("even",), Rows(), RankingSettings(), label="even")
    ranking = time.perf_counter() - began
    print(
        f"| {d_sae:,} | {d_model:,} | {2 * 4 * d_sae * d_model / 2**30:.1f} GiB | {1e3 * reading:.2f} ms "
        f"| {read - loaded:.0f} MiB | {4 * len(resid) * d_sae / 2**20:,.0f} MiB | {ranking:.2f} s "
        f"| {peak_mib() - read:.0f} MiB |",
        flush=True,
    )


if __name__ == "__main__":
    main()
