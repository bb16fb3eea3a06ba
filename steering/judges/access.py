"""How does a run reach its language model as judge: with which key, and how patiently?

Nothing here changes what a judge thinks of a text, so it is not among the settings of a run and in no manifest.
"""

from dataclasses import dataclass, field

from steering.judges.settings import JudgeSettings


@dataclass(frozen=True, slots=True)
class JudgeAccess:
    """What a run's processes are told besides its settings.

    Attributes:
        api_key: of an endpoint; None looks into the environment. Shown nowhere, written to no file; it travels to the
            worker processes of this machine by a pipe, and to no other machine.
        settings: length of a reply, concurrency, time-outs; the temperature is the run's and not taken from here.
    """

    api_key: str | None = field(default=None, repr=False)
    settings: JudgeSettings = field(default_factory=JudgeSettings)
