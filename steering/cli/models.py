"""``python -m steering models``: what can be named with one word, and which published SAEs are there?"""

import argparse
import sys
from typing import Any

from steering.cli.output import write_json

_MOST_LINES = 60


def add_models_parser(verbs: Any) -> None:
    """Add the verb ``models`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("models", help="list presets, and search the published SAEs (offline)")
    parser.add_argument("--search", metavar="WORDS", help='all must be found, e.g. "gemma 2 2b layer 12 16k"')
    parser.add_argument("--model", metavar="MODEL", help="Hub id, or its short name, that the SAE was trained on")
    parser.add_argument("--layer", type=int, metavar="N", help="decoder block, from 0")
    parser.add_argument("--site", metavar="S", help="resid_pre, resid_mid, resid_post, attn_out, mlp_out or hook_z")
    parser.add_argument("--json", action="store_true", help="for programs; everything that was found")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    asked = (arguments.search, arguments.model, arguments.layer, arguments.site)
    if any(value is not None for value in asked):
        return _search(arguments)
    return _presets(as_json=arguments.json)


def _search(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from steering.catalogue import hub_id, search
    from steering.catalogue.search import width_name

    model = None if arguments.model is None else hub_id(arguments.model) or arguments.model
    found = search(arguments.search or "", model=model, layer=arguments.layer, site=arguments.site)
    if arguments.json:
        write_json({"saes": [{"source": entry.source, **asdict(entry)} for entry in found]})
        return 0
    for entry in found[:_MOST_LINES]:
        l0 = "" if entry.l0 is None else f", l0 {entry.l0:g}"
        about = f"{entry.model}, {entry.place}, {width_name(entry.width)} features{l0}"
        refused = "" if entry.steerable else f"\n    cannot steer: {entry.reason}"
        sys.stdout.write(f"{entry.source}\n    {about}{refused}\n")
    more = len(found) - _MOST_LINES
    if more > 0:
        sys.stdout.write(f"and {more:,} more; add words, or --json for all of them\n")
    if not found:
        sys.stdout.write("No SAE in sae-lens' list matches all of that; leave a word out.\n")
    return 0


def _presets(*, as_json: bool) -> int:
    from steering.memory import GIB, SaeShape, estimate
    from steering.outlook import model_shape, sae_facts
    from steering.presets import is_world_model, presets, sae_title, world_presets

    found: list[dict[str, Any]] = []
    for preset in presets().values():
        shape = model_shape(preset.name)
        assert shape is not None  # every preset's is listed or lies here
        saes = []
        device = "cpu" if is_world_model(preset.name) else "cuda"
        for name in preset.saes:
            facts = sae_facts(preset.name, name)
            sae = None if facts.width is None else SaeShape(shape.d_model, facts.width, facts.architecture)
            saes.append(
                {
                    "name": name,
                    "source": sae_title(facts.id),
                    "hook_name": facts.place,
                    "d_sae": facts.width,
                    "l0": facts.l0,
                    "default": name == preset.default_sae,
                    "gib": round(estimate(shape, sae, dtype=preset.dtype, device=device).total / GIB, 2),
                }
            )
        found.append(
            {
                "name": preset.name,
                "title": preset.title,
                "description": preset.description,
                "model": preset.name if preset.name in world_presets() else preset.model,
                "d_model": shape.d_model,
                "n_layers": shape.n_layers,
                "n_parameters": shape.n_parameters,
                "dtype": preset.dtype,
                "chat": preset.chat,
                "gated": preset.gated,
                "saes": saes,
            }
        )
    if as_json:
        write_json({"models": found})
        return 0
    for model in found:
        millions = model["n_parameters"] / 1e6
        size = f"{millions / 1e3:.1f}B" if millions >= 950 else f"{millions:.3g}M"
        sys.stdout.write(
            f"{model['name']:<22} {model['title']}: {size} parameters, {model['n_layers']} layers, "
            f"d_model {model['d_model']}, {model['saes'][0]['gib']:g} GiB\n"
        )
        for sae in model["saes"]:
            mark = " (default)" if sae["default"] else ""
            width = f"{sae['d_sae']} features" if sae["d_sae"] else "width not listed"
            sys.stdout.write(f"  {sae['name']:<20} {sae['hook_name']}, {width}{mark}\n")
    sys.stdout.write(
        "GiB: on an accelerator, in the published dtype, with the default SAE, for 8 texts of 512 tokens.\n"
        "Any folder in transformers' format and any Hub id can stand in their place; --search finds more SAEs.\n"
    )
    return 0
