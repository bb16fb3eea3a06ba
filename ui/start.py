"""What can be opened with one click, and what does the warm-up load?

The pages ask here and know nothing about the embedded world; the world answers here once it is built.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample set that stands one click away.

    Attributes:
        id: what `open_sample` understands.
        title: on the button, two or three words.
        description: one line below it.
        icon: a Material icon, ``:material/...:``.
    """

    id: str
    title: str
    description: str
    icon: str = ":material/science:"


def samples() -> list[Sample]:
    """The samples that can be opened now; empty while the embedded world is not built."""
    return []


def open_sample(id: str) -> None:
    """Make a sample's examples the session's examples.

    Raises:
        SteeringError: no sample has that id.
    """
    from steering.errors import WorldError

    raise WorldError(f"There is no sample {id!r}; the embedded world is not built yet.")


def register_warm_models() -> None:
    """Tell the runtime what to load in the background; called before the warm-up starts, cheap, any number of times."""
