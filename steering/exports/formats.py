"""Which formats are there, what is each for, and why can one not hold an intervention?

Nothing is loaded here, so that a screen can say the reason before anybody presses a button.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from steering.errors import ExportError
from steering.hook_points import HookPoint

if TYPE_CHECKING:
    from steering.exports.subject import Subject

FormatName = Literal["safetensors", "gguf", "lm-eval", "axbench", "neuronpedia", "snippet"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a format can hold an intervention; None is "not known yet" and refuses nothing.

    Attributes:
        mode: add, clamp, min_clamp, scale or ablate.
        scope: all, prompt, generated or sentence_ends.
        hook_point: where it is written.
        architecture: of the SAE.
        normalised: the SAE normalises each token, so its directions have another length on every token.
        neuronpedia_id: of the SAE; empty where it has no pages there.
    """

    mode: str
    scope: str
    hook_point: HookPoint | None = None
    architecture: str | None = None
    normalised: bool | None = None
    neuronpedia_id: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    Attributes:
        name: on the command line.
        title: on the screen.
        ending: of the file's name.
        mime: of the download.
        what: whom it is for, in one sentence.
        refusal: the reason why it cannot hold an intervention, None where it can.
        home: module and function that build the file.
    """

    name: FormatName
    title: str
    ending: str
    mime: str
    what: str
    refusal: Callable[[Facts], str | None]
    home: tuple[str, str]

    def build(self, subject: "Subject") -> bytes:
        """The file's bytes.

        Raises:
            ExportError: the format cannot hold it.
        """
        reason = self.refusal(subject.facts)
        if reason is not None:
            raise ExportError(reason)
        module, function = self.home
        made: bytes = getattr(import_module(f"steering.exports.{module}"), function)(subject)
        return made

    def file_name(self, stem: str) -> str:
        """A name that every file system takes."""
        return f"{slug(stem)}{self.ending}"


def slug(text: str) -> str:
    """``text`` as part of a file's name."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    return "-".join(filter(None, kept.split("-")))[:60] or "steering"


def after_layer(hook_point: HookPoint) -> int | None:
    """The decoder block, counted from 0, after which adding a vector is the same as adding it at ``hook_point``.

    What enters a block is what left the one before, and what the MLP adds is the last thing that a block adds. None
    where there is no such block: before the first one, and before the MLP, which reads what is written there.
    """
    if hook_point.site in ("resid_post", "mlp_out"):
        return hook_point.layer
    if hook_point.site == "resid_pre" and hook_point.layer > 0:
        return hook_point.layer - 1
    return None


def one_vector(facts: Facts, whose: str) -> str | None:
    """Why an intervention is not one fixed vector added at every position, which is all that ``whose`` files hold."""
    if facts.mode != "add":
        return (
            f"{whose} adds one fixed vector, and the mode {facts.mode} writes another amount at every position; use "
            "add, or the safetensors export."
        )
    if facts.scope != "all":
        return (
            f"{whose} writes at every position, and the scope here is {facts.scope}; choose all, or use the "
            "safetensors export."
        )
    return _fixed_length(facts)


def _fixed_length(facts: Facts) -> str | None:
    if facts.normalised:
        return (
            "This SAE normalises each token, so its directions have another length on every token and no fixed vector "
            "does the same; use the recipe, or an SAE that does not normalise."
        )
    return None


def _safetensors(facts: Facts) -> str | None:
    if facts.normalised:
        return _fixed_length(facts)
    if facts.mode != "add" and facts.architecture == "topk":
        return (
            f"The mode {facts.mode} has to know whether a feature is among the SAE's top k, which takes all of its "
            "encoder; use add, or the recipe with the SAE itself."
        )
    return None


def _gguf(facts: Facts) -> str | None:
    reason = one_vector(facts, "A GGUF control vector")
    if reason is None and facts.hook_point is not None:
        layer = after_layer(facts.hook_point)
        if layer is None:
            return (
                f"llama.cpp adds a control vector after a decoder block, and {facts.hook_point} lies elsewhere; use an "
                "SAE of resid_post, resid_pre or mlp_out, or the safetensors export."
            )
        if layer == 0:
            return (
                "llama.cpp cannot add a control vector after the first decoder block (layer 0); use an SAE of a later "
                "layer, or the safetensors export."
            )
    return reason


def _lm_eval(facts: Facts) -> str | None:
    reason = one_vector(facts, "lm-evaluation-harness")
    if reason is None and facts.hook_point is not None:
        site = facts.hook_point.site
        if site not in ("resid_post", "attn_out", "mlp_out") and after_layer(facts.hook_point) is None:
            return (
                f"lm-evaluation-harness writes what a module puts out, and {facts.hook_point} is no module's output; "
                "use an SAE of resid_post, attn_out or mlp_out, or the safetensors export."
            )
    return reason


def _axbench(facts: Facts) -> str | None:
    if facts.architecture not in (None, "jumprelu", "standard") or facts.normalised:
        return "AxBench's harness knows ReLU and JumpReLU SAEs without normalised input; use one of these."
    if facts.hook_point is not None and facts.hook_point.site != "resid_post":
        return f"AxBench's harness reads after a decoder block, not at {facts.hook_point}; use such an SAE."
    return None


def _neuronpedia(facts: Facts) -> str | None:
    if facts.neuronpedia_id == "":
        return "This SAE has no pages on Neuronpedia; use one that is known there, such as gpt2-small-res-jb."
    return None


def _snippet(facts: Facts) -> str | None:
    reason = one_vector(facts, "A snippet")
    if reason is None and facts.hook_point is not None and facts.hook_point.site == "resid_mid":
        return (
            f"A snippet hooks one module, and at {facts.hook_point} the stream goes two ways; use the Python script, "
            "or an SAE of another place."
        )
    return reason if reason is None else reason.replace("the safetensors export", "the Python script")


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(
            "safetensors", "Steering vector", ".safetensors", "application/octet-stream",
            "The summed vector and each feature's own direction; other modes carry the encoder rows they need.",
            _safetensors, ("vector", "vector_file"),
        ),
        Format(
            "gguf", "GGUF control vector", ".gguf", "application/octet-stream",
            "For llama.cpp (--control-vector) and what is built on it.",
            _gguf, ("gguf_vector", "gguf_file"),
        ),
        Format(
            "lm-eval", "lm-evaluation-harness", ".pt", "application/octet-stream",
            "For its model type steered (steer_path): ordinary benchmarks on the steered model.",
            _lm_eval, ("lm_eval", "lm_eval_file"),
        ),
        Format(
            "axbench", "AxBench features", ".zip", "application/zip",
            "A run's folder with the features as concepts and the SAE cut down to them.",
            _axbench, ("axbench", "axbench_zip"),
        ),
        Format(
            "neuronpedia", "Neuronpedia list", ".txt", "text/plain",
            "The address of a quick list of these features.",
            _neuronpedia, ("neuronpedia", "quick_list_file"),
        ),
        Format(
            "snippet", "Code snippet", ".py", "text/x-python",
            "A few lines that steer with transformers alone, sae-lens or nnsight.",
            _snippet, ("snippets", "snippet_file"),
        ),
    )
}  # fmt: skip
"""By name, in the order in which they are offered."""
