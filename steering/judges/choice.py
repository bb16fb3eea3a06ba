"""Which judge is meant, and which can say whether a text carries this concept?"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from steering.errors import JudgeError
from steering.judges.cache import ReplyCache
from steering.judges.endpoint import clean_url
from steering.judges.score import Judge
from steering.judges.settings import JudgeSettings
from steering.presets import is_world_model

JudgeKind = Literal["world", "openai", "local"]
FORMS = "world, openai:MODEL, openai:MODEL@http://HOST/v1 or local:MODEL"


@dataclass(frozen=True, slots=True)
class JudgeChoice:
    """A judge by name, in a form that can be typed, stored and shown: there is no key in it.

    Attributes:
        kind: ``world`` the embedded world's ground truth; ``openai`` a model behind an OpenAI-compatible endpoint;
            ``local`` a Hugging Face model on this machine.
        model: of the endpoint, or a preset, folder or Hub id; empty for ``world``.
        base_url: of the endpoint; None for OpenAI's, or what OPENAI_BASE_URL names.

    Raises:
        JudgeError: a model or an address missing, or given where there is none.
    """

    kind: JudgeKind
    model: str = ""
    base_url: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(JudgeKind):
            raise JudgeError(f"There is no judge {self.kind!r}; name one of {FORMS}.")
        if (self.kind == "world") == bool(self.model.strip()):
            raise JudgeError(f"The judge {self.kind} was named {self.model or 'without a model'!r}; give {FORMS}.")
        if self.base_url is not None:
            if self.kind != "openai":
                raise JudgeError(f"The judge {self.kind} has no address; give {FORMS}.")
            object.__setattr__(self, "base_url", clean_url(self.base_url))

    def __str__(self) -> str:
        if self.kind == "world":
            return "world"
        return f"{self.kind}:{self.model}" + (f"@{self.base_url}" if self.base_url else "")


def parse_judge(text: str) -> JudgeChoice:
    """Read ``world``, ``openai:MODEL``, ``openai:MODEL@BASE_URL`` or ``local:MODEL``.

    A model's name may hold ``:`` and ``@``; what follows an ``@`` is an address where it begins with http.

    Raises:
        JudgeError: anything else.
    """
    kind, _, rest = text.strip().partition(":")
    kind, rest = kind.strip().lower(), rest.strip()
    address: str | None = None
    if kind == "openai":
        named = re.fullmatch(r"(.*?)@(https?://.*)", rest)
        if named:
            rest, address = named.groups()
    if kind not in get_args(JudgeKind):
        raise JudgeError(f"There is no judge {kind!r}; name one of {FORMS}.")
    return JudgeChoice(kind, rest, address)  # type: ignore[arg-type]  # one of the three, as was just looked up


def make_judge(
    choice: JudgeChoice,
    *,
    settings: JudgeSettings | None = None,
    cache: ReplyCache | None = None,
    api_key: str | None = None,
    device: str = "cpu",
) -> Judge:
    """The judge that ``choice`` names, ready for :func:`steering.judges.batch.score_all`.

    Args:
        choice: as parsed.
        settings: of a language model; the world's ground truth has none.
        cache: of a language model's replies; the ground truth needs none.
        api_key: for an endpoint; None looks into the environment.
        device: for a local model, which is loaded here.

    Raises:
        JudgeError: missing key or package, or a model that cannot judge.
        ModelError: a local model that cannot be loaded.
    """
    if choice.kind == "world":
        from steering.world.judge import WorldJudge

        return WorldJudge()
    if choice.kind == "openai":
        from steering.judges.openai_judge import OpenAIJudge

        return OpenAIJudge(choice.model, base_url=choice.base_url, api_key=api_key, settings=settings, cache=cache)
    from steering.judges.local_judge import LocalJudge
    from steering.models import load_model

    return LocalJudge(load_model(choice.model, device=device), settings=settings, cache=cache)


def judge_for(model: str, concept: str | None) -> Judge | None:
    """The judge that knows ``concept``, None where nobody does.

    The embedded world's judge knows the truth about its own concepts and about the text of its own models only.
    """
    if concept is None or not is_world_model(model):
        return None
    from steering.world.judge import WorldJudge

    judge = WorldJudge()
    return judge if judge.knows(concept) else None
