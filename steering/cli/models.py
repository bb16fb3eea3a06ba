"""``python -m steering models``: what can be named with one word?"""

import argparse
import json
import sys
from typing import Any

from steering.cli.output import write_json


def add_models_parser(verbs: Any) -> None:
    """Add the verb ``models`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("models", help="list the models and SAEs that can be named with one word")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.presets import presets

    found = []
    for preset in presets().values():
        config = json.loads((preset.model_path / "config.json").read_text())
        saes = []
        for name, path in preset.sae_paths.items():
            cfg = json.loads((path / "cfg.json").read_text())
            saes.append(
                {
                    "name": name,
                    "hook_name": cfg["metadata"].get("hook_name"),
                    "d_sae": cfg["d_sae"],
                    "l0": cfg["metadata"].get("l0"),
                    "default": name == preset.default_sae,
                }
            )
        found.append(
            {
                "name": preset.name,
                "title": preset.title,
                "description": preset.description,
                "d_model": config.get("hidden_size", config.get("n_embd")),
                "n_layers": config.get("num_hidden_layers", config.get("n_layer")),
                "saes": saes,
            }
        )
    if arguments.json:
        write_json({"models": found})
        return 0
    for model in found:
        sys.stdout.write(
            f"{model['name']:<12} {model['title']}: {model['n_layers']} layers, d_model {model['d_model']}\n"
        )
        for sae in model["saes"]:
            mark = " (default)" if sae["default"] else ""
            sys.stdout.write(f"  {sae['name']:<20} {sae['hook_name']}, {sae['d_sae']} features{mark}\n")
    sys.stdout.write("Any folder in transformers' format and any Hub id can stand in their place.\n")
    return 0
