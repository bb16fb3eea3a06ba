"""Where in the model does an SAE read and write?

Two spellings of the same place are in use: TransformerLens' (``blocks.12.hook_resid_post``) and Hugging Face module
paths (``model.layers.12.output``). Both become a ``HookPoint``; which module of which model that is, is the layout's
business.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from steering.errors import SaeError

Site = Literal["resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out"]
SITES: tuple[Site, ...] = get_args(Site)


@dataclass(frozen=True, slots=True, order=True)
class HookPoint:
    """A place in the residual stream, or what a sublayer adds to it.

    Attributes:
        layer: zero-based decoder block.
        site: ``resid_pre`` before the block, ``resid_mid`` between attention and MLP, ``resid_post`` after the block;
            ``attn_out`` and ``mlp_out`` are what the sublayer adds to the residual (after any norm on its way out).

    Raises:
        SaeError: the layer is negative or the site is unknown.
    """

    layer: int
    site: Site

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise SaeError(f"Layer {self.layer} does not exist; layers count from 0.")
        if self.site not in SITES:
            raise SaeError(f"The site {self.site!r} is unknown; expected one of {', '.join(SITES)}.")

    def __str__(self) -> str:
        return f"blocks.{self.layer}.hook_{self.site}"


# None marks what the name alone does not settle: Llama, Gemma and GPT-NeoX use it for different places.
_AMBIGUOUS = None
_SITE_OF_MODULE: dict[str, Site | None] = {
    "": "resid_post",
    "output": "resid_post",
    "input": "resid_pre",
    "ln_2.input": "resid_mid",
    "pre_feedforward_layernorm.input": "resid_mid",
    "post_attention_layernorm.input": _AMBIGUOUS,
    "post_attention_layernorm": _AMBIGUOUS,
    "post_attention_layernorm.output": _AMBIGUOUS,
    "post_feedforward_layernorm": "mlp_out",
    "post_feedforward_layernorm.output": "mlp_out",
    "mlp": "mlp_out",
    "mlp.output": "mlp_out",
    "attn": "attn_out",
    "attn.output": "attn_out",
    "self_attn": "attn_out",
    "self_attn.output": "attn_out",
    "attention": "attn_out",
    "attention.output": "attn_out",
}

_TRANSFORMER_LENS = re.compile(r"blocks\.(\d+)\.(.+)")
_HUGGING_FACE = re.compile(r"(?:\w+\.)*(?:layers|h)\.(\d+)(?:\.(.+))?")

_HEADS = (
    "it reads the attention heads before they are mixed (hook_z), which has no direction in the residual stream; "
    "choose an SAE of a residual, attn_out or mlp_out hook point"
)
_TRANSCODER = (
    "it reads what enters or happens inside the MLP, as transcoders do, so that its decoder does not write where its "
    "encoder reads; choose an SAE of a residual, attn_out or mlp_out hook point"
)
_EMBEDDING = "it reads the token embedding, before any layer; choose an SAE of a decoder layer"

# First match wins; each pattern is searched in the name without its layer.
_REFUSED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"hook_z|hook_result|hook_[qkv]\b|attn\.|attention\."), _HEADS),
    (re.compile(r"hook_mlp_in|mlp\.|ln_?2|feedforward_layernorm"), _TRANSCODER),
    (re.compile(r"embed|wte|wpe"), _EMBEDDING),
)


def _parse_one(name: str) -> HookPoint | str:
    """The hook point that ``name`` spells, or the reason why it spells none."""
    if match := _TRANSFORMER_LENS.fullmatch(name):
        layer, rest = int(match[1]), match[2]
        for site in SITES:
            if rest == f"hook_{site}":
                return HookPoint(layer, site)
    elif match := _HUGGING_FACE.fullmatch(name):
        layer, rest = int(match[1]), match[2] or ""
        module_site = _SITE_OF_MODULE.get(rest)
        if module_site is not None:
            return HookPoint(layer, module_site)
        if rest in _SITE_OF_MODULE:
            return (
                "model families use this module for different places; give the TransformerLens name as well "
                "(metadata.hook_name, for example blocks.3.hook_resid_mid)"
            )
    else:
        rest = name
    for pattern, reason in _REFUSED:
        if pattern.search(rest):
            return reason
    return (
        "expected blocks.LAYER.hook_SITE with SITE one of "
        f"{', '.join(SITES)}, or a module path such as model.layers.LAYER.output"
    )


def parse_hook_name(hook_name: str | None, hf_hook_name: str | None = None) -> HookPoint:
    """Read the hook point out of an SAE's metadata.

    Args:
        hook_name: the SAE's ``metadata.hook_name``, in either spelling.
        hf_hook_name: the SAE's ``metadata.hf_hook_name``. Preferred when set, because it names the module that was
            really hooked; only where module paths are ambiguous between model families does ``hook_name`` decide.

    Raises:
        SaeError: no name at all, or a place that cannot be read and written in the residual stream.
    """
    names = [name.strip() for name in (hf_hook_name, hook_name) if name and name.strip()]
    if not names:
        raise SaeError(
            "The SAE does not say where it belongs; add metadata.hook_name to its cfg.json, "
            "for example blocks.12.hook_resid_post."
        )
    preferred = names[0]
    parsed = _parse_one(preferred)
    if isinstance(parsed, str) and len(names) == 2 and _is_ambiguous(preferred):
        parsed = _parse_one(names[1])
    if isinstance(parsed, str):
        raise SaeError(f"The SAE's hook point {preferred!r} cannot be steered: {parsed}.")
    return parsed


def _is_ambiguous(name: str) -> bool:
    match = _HUGGING_FACE.fullmatch(name)
    return match is not None and match[2] in _SITE_OF_MODULE and _SITE_OF_MODULE[match[2]] is _AMBIGUOUS
