"""Which verbs are there, and how does every ending become an exit code and one line?"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from steering import __version__
from steering.cli.axbench import add_axbench_parser
from steering.cli.benchmark import add_benchmark_parser
from steering.cli.detect import add_detect_parser
from steering.cli.export import add_export_parser
from steering.cli.generate import add_generate_parser
from steering.cli.label import add_label_parser
from steering.cli.models import add_models_parser
from steering.cli.options import join_hook_point
from steering.cli.rank import add_rank_parser
from steering.cli.recipe import add_recipe_parser
from steering.cli.run import add_run_parser
from steering.cli.stackexchange import add_stackexchange_parser
from steering.cli.strength import add_strength_parser
from steering.cli.studies import add_studies_parser
from steering.cli.train_lora import add_train_lora_parser
from steering.errors import SteeringError
from steering.world.cli import add_world_parser

USER_ERROR = 2
BUG = 1
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Answers a wrong option with one line, as every other user error."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"error: {' '.join(message.split())} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for argument in given:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            # That is how Python hands over bytes of another encoding; no tokenizer and no JSON takes them.
            sys.stderr.write(f"error: The argument {argument!a} is not UTF-8 text; write it in UTF-8.\n")
            return USER_ERROR
    parsed = _parser().parse_args(given)
    _set_environment()
    try:
        join_hook_point(parsed)
        return int(parsed.run(parsed))
    except SteeringError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("STEERSCOPE_DEBUG"):
            traceback.print_exc()
        else:
            sys.stderr.write(
                f"bug: {type(error).__name__}: {' '.join(str(error).split())[:300]} "
                "(set STEERSCOPE_DEBUG=1 for the traceback, and please report it)\n"
            )
        return BUG


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m steering", description="Rank SAE features, steer, compare with LoRA.")
    parser.add_argument("--version", action="version", version=f"steerscope {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    add_benchmark_parser(verbs)
    add_models_parser(verbs)
    add_rank_parser(verbs)
    add_generate_parser(verbs)
    add_recipe_parser(verbs)
    add_run_parser(verbs)
    add_strength_parser(verbs)
    add_train_lora_parser(verbs)
    add_export_parser(verbs)
    add_label_parser(verbs)
    add_detect_parser(verbs)
    add_axbench_parser(verbs)
    add_stackexchange_parser(verbs)
    add_studies_parser(verbs)
    add_world_parser(verbs)
    return parser


def _set_environment() -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # its retries; the last one's reason is in our own line
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
