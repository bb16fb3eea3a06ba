"""Which module of a Hugging Face model holds a hook point, and at which end of it?

The table is from TransformerLens' definitions of the sites, compared with eight families of transformers 5 (tests). A
family is recognised by the parts of its decoder layers, not by its name, so models that share a layout are found too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from steering.errors import ModelError
from steering.hook_points import HookPoint, Site

End = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Family:
    """One way to build a decoder layer.

    Attributes:
        name: what the screen calls it.
        parts: names of submodules that every layer of this family has.
        sites: site → (submodule of the layer, "" for the layer itself; end of it).
        lacks: why a site does not exist, as the end of a sentence.
        serial: whether the MLP reads what the attention wrote, for layers that can be built either way; None for those
            that cannot.
    """

    name: str
    parts: tuple[str, ...]
    sites: dict[Site, tuple[str, End]]
    lacks: str = "these layers have no module for it"
    serial: bool | None = None

    def fits(self, layer: nn.Module) -> bool:
        """Whether ``layer`` is built this way."""
        if self.serial is not None and getattr(layer, "use_parallel_residual", True) is self.serial:
            return False
        return all(hasattr(layer, part) for part in self.parts)


_ENDS: dict[Site, tuple[str, End]] = {"resid_pre": ("", "input"), "resid_post": ("", "output")}

# Ordered: a Gemma layer also has everything that a Llama layer has.
FAMILIES: tuple[Family, ...] = (
    Family(
        "gemma",
        ("pre_feedforward_layernorm", "post_feedforward_layernorm", "post_attention_layernorm"),
        _ENDS
        | {
            "resid_mid": ("pre_feedforward_layernorm", "input"),
            "attn_out": ("post_attention_layernorm", "output"),
            "mlp_out": ("post_feedforward_layernorm", "output"),
        },
    ),
    Family(
        "llama",
        ("self_attn", "mlp", "input_layernorm", "post_attention_layernorm"),
        _ENDS
        | {
            "resid_mid": ("post_attention_layernorm", "input"),
            "attn_out": ("self_attn", "output"),
            "mlp_out": ("mlp", "output"),
        },
    ),
    Family(
        "gpt2",
        ("ln_1", "ln_2", "attn", "mlp"),
        _ENDS | {"resid_mid": ("ln_2", "input"), "attn_out": ("attn", "output"), "mlp_out": ("mlp", "output")},
    ),
    Family(
        "gpt_neox_serial",
        ("attention", "mlp", "input_layernorm", "post_attention_layernorm"),
        _ENDS
        | {
            "resid_mid": ("post_attention_layernorm", "input"),
            "attn_out": ("attention", "output"),
            "mlp_out": ("mlp", "output"),
        },
        serial=True,
    ),
    Family(
        "gpt_neox",
        ("attention", "mlp", "input_layernorm", "post_attention_layernorm"),
        _ENDS | {"attn_out": ("attention", "output"), "mlp_out": ("mlp", "output")},
        lacks="attention and MLP read the same stream side by side, so there is nothing between them",
        serial=False,
    ),
)


@dataclass(frozen=True, slots=True)
class HookTarget:
    """The module to hook for a hook point, and the end of it that carries the stream."""

    module: nn.Module
    path: str
    end: End

    def __str__(self) -> str:
        return f"{self.path}.{self.end}"


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """Where the decoder layers of a model are.

    Attributes:
        family: which table of sites applies.
        layers_path: module path of the list of decoder layers.
        layers: the decoder layers themselves.
    """

    family: Family
    layers_path: str
    layers: tuple[nn.Module, ...]

    @property
    def n_layers(self) -> int:
        """Number of decoder layers."""
        return len(self.layers)

    def locate(self, hook_point: HookPoint) -> HookTarget:
        """Find the module that holds ``hook_point``.

        Raises:
            ModelError: the layer or the site does not exist in this model.
        """
        if not 0 <= hook_point.layer < self.n_layers:
            raise ModelError(
                f"Layer {hook_point.layer} was asked for, but this model has layers 0 to {self.n_layers - 1}; "
                "choose an SAE of one of these layers."
            )
        if hook_point.site not in self.family.sites:
            raise ModelError(
                f"Models of the {self.family.name} family have no {hook_point.site} ({self.family.lacks}); "
                f"they have {', '.join(self.family.sites)}."
            )
        part, end = self.family.sites[hook_point.site]
        layer = self.layers[hook_point.layer]
        path = f"{self.layers_path}.{hook_point.layer}"
        if not part:
            return HookTarget(layer, path, end)
        return HookTarget(layer.get_submodule(part), f"{path}.{part}", end)


def detect_layout(model: nn.Module) -> ModelLayout:
    """Recognise the layout of ``model`` from its decoder layers.

    Raises:
        ModelError: no list of decoder layers, or layers of a kind that is not known.
    """
    get_decoder: Callable[[], nn.Module] | None = getattr(model, "get_decoder", None)
    decoder = get_decoder() if get_decoder is not None else model
    for name in ("layers", "h"):
        layers = getattr(decoder, name, None)
        if layers is not None:
            break
    else:
        raise ModelError(
            f"{type(model).__name__} keeps its decoder layers under neither `layers` nor `h`; "
            "use a decoder-only causal language model of transformers."
        )
    path = next(path for path, module in model.named_modules() if module is layers)
    for family in FAMILIES:
        if family.fits(layers[0]):
            return ModelLayout(family, path, tuple(layers))
    raise ModelError(
        f"The decoder layers of {type(model).__name__} ({type(layers[0]).__name__}) are of no known family "
        f"({', '.join(family.name for family in FAMILIES)}); open an issue with the model's name."
    )
