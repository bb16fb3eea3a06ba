"""``python -m steering strength``: which factor is strong enough and still safe?"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.generate import max_acts
from steering.cli.ingredients import open_asked_pair
from steering.cli.options import add_model_options, one_each
from steering.cli.output import Bar, tell_source, write_json
from steering.errors import SteeringError

if TYPE_CHECKING:
    from steering.strength.band import Band, Proposal
    from steering.strength.curves import Sweep

N_PROMPTS = 12


def add_strength_parser(verbs: Any) -> None:
    """Add the verb ``strength`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("strength", help="find the factor that is strong enough and still safe")
    add_model_options(parser)
    parser.add_argument(
        "--feature", type=int, action="append", required=True, metavar="ID", help="may be given several times"
    )
    parser.add_argument(
        "--share", type=float, action="append", default=[], metavar="X",
        help="proportions of several features, negative to suppress; one for all or one each (default 1)",
    )  # fmt: skip
    parser.add_argument("--factor", type=float, action="append", default=[], metavar="X", help="try these factors only")
    parser.add_argument("--max-act", type=float, action="append", default=[], metavar="A", help="see generate")
    parser.add_argument("--examples", type=Path, metavar="FILE", help="labelled examples to measure max_act on")
    parser.add_argument("--mode", choices=("add", "clamp", "min_clamp", "scale"), default="add")
    parser.add_argument("--scope", choices=("all", "prompt", "generated", "sentence_ends"), default="all")
    parser.add_argument("--concept", metavar="NAME", help="is judged on models of the embedded world")
    parser.add_argument(
        "--prompt", action="append", default=[], metavar="P", help=f"default {N_PROMPTS} at most that name no concept"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1, metavar="N", help="samples per prompt (default 1)")
    parser.add_argument("--max-new-tokens", type=int, default=64, metavar="N")
    parser.add_argument("--temperature", type=float, default=1.0, metavar="T")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.generation import Sampling
    from steering.judges.choice import judge_for
    from steering.prompting import suggested_prompts
    from steering.strength.band import propose, safe_band
    from steering.strength.mix import factor_grid, mix_of
    from steering.strength.sweep import sweep_factors
    from steering.workbench import feature_edit

    if arguments.max_act and arguments.examples is not None:
        raise SteeringError("--max-act and --examples both say what max_act is; drop one of them.")
    judge = judge_for(arguments.model, arguments.concept)
    if arguments.concept is not None and judge is None:
        raise SteeringError(f"No judge knows {arguments.concept!r} on {arguments.model}; drop --concept.")
    factors = tuple(sorted(set(arguments.factor)))
    shares = one_each(arguments.share or [1.0], len(arguments.feature), "--share")
    prompts = arguments.prompt or suggested_prompts(arguments.model, N_PROMPTS)
    tell_source(arguments.model)
    with open_asked_pair(arguments) as loaded:
        edits = [
            feature_edit(loaded, feature_id, share, max_act, mode=arguments.mode)
            for feature_id, share, max_act in zip(arguments.feature, shares, max_acts(arguments, loaded), strict=True)
        ]
        mix = mix_of([(one.feature_id, one.factor, one.max_act) for one in edits], arguments.mode, arguments.scope)
        if not factors:
            if loaded.reference is None and arguments.mode != "scale":
                raise SteeringError(
                    f"The SAE {loaded.sae.name} ships no reference, so the size of the stream is not known; give the "
                    "factors to try (--factor, several times)."
                )
            resid_norm = loaded.reference.resid_norm if loaded.reference is not None else 1.0
            factors = factor_grid(mix, resid_norm, limit=LARGEST)
        sweep = sweep_factors(
            loaded,
            mix,
            factors,
            prompts,
            judge=judge,
            concept=arguments.concept,
            sampling=Sampling(arguments.max_new_tokens, arguments.temperature),
            seed=arguments.seed,
            samples=arguments.count,
            on_progress=Bar(),
        )
    band = safe_band(sweep)
    _tell(sweep, band, propose(sweep, band), as_json=arguments.json)
    return 0


LARGEST = 5.0
"""As far as the screens' number box goes."""


def _tell(sweep: "Sweep", band: "Band", proposal: "Proposal", *, as_json: bool) -> None:
    if as_json:
        found = sweep.to_json()
        for point, safe, broken in zip(found["points"][1:], band.is_safe, band.broken, strict=True):
            point |= {"safe": safe, "breaks": list(broken)}
        bounds = [
            {"measure": one.measure, "untouched": one.untouched, "at_most" if one.is_ceiling else "at_least": one.limit}
            for one in band.bounds
        ]
        write_json(
            found
            | {
                "bounds": bounds,
                "safe_band": None if band.is_empty else {"low": band.low, "high": band.high},
                "proposal": {"factor": proposal.factor, "reason": proposal.reason},
            }
        )
        return
    names = [
        name
        for name in ("concept", "instruction", "fluency", "kl", "surprise", "distinct_2", "looping")
        if name in sweep.values
    ]
    write = sys.stdout.write
    write("   factor  " + "  ".join(f"{name:>11}" for name in names) + "\n")
    write("untouched  " + "  ".join(f"{sweep.baseline[name].mean():11.2f}" for name in names) + "\n")
    for place, factor in enumerate(sweep.factors):
        cells = "  ".join(f"{sweep.values[name][place].mean():11.2f}" for name in names)
        write(f"{factor:9.2f}  {cells}  {'safe' if band.is_safe[place] else '; '.join(band.broken[place])}\n")
    if sweep.concept is None:
        write("\nNo judge knows what is steered for: success is not measured.\n")
    write(f"\nsafe band: {'none' if band.high is None else f'{band.low:g} to {band.high:g}'}\n{proposal.reason}\n")
