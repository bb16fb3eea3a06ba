"""What does a study hold, and which files are these?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steering.errors import RecipeError, StudyError
from steering.ranking.run import RankingRun
from steering.recipes.reading import read_recipe
from steering.replacing import left_parts
from steering.studies import answers as answer_files
from steering.studies import ranking_files
from steering.studies.answers import Answers, read_answers, write_answers
from steering.studies.ranking_files import read_ranking, write_ranking
from steering.studies.study import MANIFEST, About
from steering.votes.box import VOTES

if TYPE_CHECKING:
    from steering.lora import Adapter

RECIPE = "recipe.json"
ADAPTER = "adapter"
ALWAYS = frozenset(
    {
        ranking_files.EXAMPLES,
        ranking_files.RANKED,
        ranking_files.HEAD,
        ranking_files.STATISTICS,
        answer_files.HEAD,
        answer_files.COMPLETIONS,
        answer_files.SCORES,
    }
)
ADAPTER_FILES = frozenset(
    f"{ADAPTER}/{name}" for name in ("adapter_config.json", "adapter_model.safetensors", "steerscope.json")
)
KNOWN = ALWAYS | {RECIPE} | ADAPTER_FILES
"""Every name that a file of a study may have, the manifest aside."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """All that a study holds.

    Attributes:
        run: examples, split, statistics and rankings.
        answers: at most one for each screen; of a conversation one for each turn, in their order.
        recipe: the recipe's JSON text, None where the screen had none.
    """

    run: RankingRun
    answers: tuple[Answers, ...]
    recipe: str | None = None

    def of(self, screen: str) -> Answers | None:
        """The answers of one screen; of a conversation the first turn."""
        return next((one for one in self.answers if one.screen == screen), None)


def write_content(folder: Path, content: Content, adapter: "Adapter | None") -> None:
    """Write everything into an empty folder.

    Args:
        folder: exists.
        content: tables and texts.
        adapter: the LoRA adapter that took part, as a folder that peft reads.

    Raises:
        StudyError: a text that no file can hold.
        OSError: the folder cannot be written to.
    """
    if content.recipe is not None:
        (folder / RECIPE).write_text(content.recipe, encoding="utf-8")
    write_ranking(folder, content.run)
    write_answers(folder, content.answers)
    if adapter is not None:
        from safetensors import SafetensorError

        try:
            adapter.save(folder / ADAPTER)
        except SafetensorError as error:  # how that library says that a disk is full
            raise OSError(f"the adapter's weights could not be written: {error}") from error


def read_content(folder: Path) -> Content:
    """Read everything but the adapter, which needs torch; :func:`adapter_folder` says where that lies.

    Raises:
        StudyError: a file is missing, broken, or does not fit the others.
    """
    try:
        return Content(run=read_ranking(folder), answers=read_answers(folder), recipe=_read_recipe(folder / RECIPE))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"A file of the study cannot be read ({error}); take a sound copy of it.") from error


def _read_recipe(file: Path) -> str | None:
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    try:
        read_recipe(text)
    except RecipeError as error:
        raise StudyError(f"{RECIPE} of the study is no recipe: {error}") from error
    return text


def check_features(about: About, content: Content) -> None:
    """See that a study is about features that its SAE has.

    Raises:
        StudyError: it is not.
    """
    d_sae = content.run.statistics.d_sae
    named = (*about.features, *(() if about.feature_id is None else (about.feature_id,)))
    if named and max(named) >= d_sae:
        raise StudyError(
            f"The study has the feature {max(named)}, its SAE only those from 0 to {d_sae - 1}; take a sound copy."
        )


def adapter_folder(folder: Path) -> Path | None:
    """Where the study's adapter lies, None without one."""
    found = folder / ADAPTER
    return found if found.is_dir() else None


def files_of(folder: Path) -> Iterator[Path]:
    """Every file in a folder of a study, in the order of their names.

    Votes are not part of what was saved, nor is a manifest that somebody who was killed did not bring to its end.
    """
    parts = set(left_parts(folder / MANIFEST))
    found = (path for path in folder.rglob("*") if (path.is_file() or path.is_symlink()) and path not in parts)
    yield from sorted(path for path in found if path.relative_to(folder).parts[0] != VOTES)
