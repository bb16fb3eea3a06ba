"""Which options do several verbs share, and how are their values checked?"""

import argparse
from collections.abc import Sequence
from typing import get_args

from steering.errors import SteeringError
from steering.memory import SaeDtype


def add_model_options(parser: argparse.ArgumentParser, *, sae: bool = True, sae_dtype: bool = True) -> None:
    """Add the options that say what is loaded, and where to."""
    parser.add_argument("--model", default="demo", metavar="MODEL", help="preset, folder or Hub id (default demo)")
    if sae:
        parser.add_argument(
            "--sae", metavar="SAE", help="a preset's SAE, a folder in sae-lens' format, an npz or safetensors file, or "
            "release/sae_id"
        )  # fmt: skip
        parser.add_argument(
            "--hook-point",
            metavar="POINT",
            help="where a file of bare tensors belongs, e.g. blocks.12.hook_resid_post (,k=32 for top-k)",
        )
    parser.add_argument(
        "--device",
        default="cpu",
        metavar="D",
        help="torch device, split (all accelerators together) or auto (default cpu)",
    )
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto")
    if sae and sae_dtype:
        parser.add_argument(
            "--sae-dtype",
            choices=get_args(SaeDtype),
            default="float32",
            help="what the SAE's matrices are kept in; computed with in float32 always (default float32)",
        )


def join_hook_point(arguments: argparse.Namespace) -> None:
    """Put ``--hook-point`` behind the file that ``--sae`` names, which is how everything below spells it.

    Raises:
        SteeringError: there is no ``--sae`` to belong to.
    """
    hook_point = getattr(arguments, "hook_point", None)
    if hook_point is None:
        return
    if arguments.sae is None:
        raise SteeringError("--hook-point belongs to a file of bare tensors; name it with --sae.")
    arguments.sae = f"{arguments.sae}@{hook_point}"


def number(text: str, option: str) -> float:
    """The number that was given as ``option``.

    Raises:
        SteeringError: it is none.
    """
    try:
        return float(text)
    except ValueError as error:
        raise SteeringError(f"{option} is {text!r}; give a number.") from error


def one_each(values: Sequence[float], count: int, option: str) -> list[float]:
    """One value for each of ``count`` features, where one may stand for all.

    Raises:
        SteeringError: there are neither one nor ``count``.
    """
    if len(values) == 1:
        return list(values) * count
    if len(values) != count:
        raise SteeringError(
            f"{option} was given {len(values)} times for {count} features; give one for all or one each."
        )
    return list(values)
