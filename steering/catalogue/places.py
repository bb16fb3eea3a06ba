"""What do an SAE's release, id and path say about where it reads, how wide it is, and how sparse?

Authors write these into names, each in a way of their own. What no name says is None, never guessed.
"""

import re
from dataclasses import dataclass

_TRANSCODER = "it is a transcoder: it reads what enters an MLP and writes what leaves it, two different places"
_CLT = "it is a cross-layer transcoder: it reads one layer and writes many"
_HEADS = "it reads the attention heads before they are mixed (hook_z), which has no direction in the residual stream"
_EMBEDDING = "it reads the token embedding, before any layer"
_TEMPORAL = "it is a temporal SAE: what it reads on a token depends on the tokens before"
_UNKNOWN = "its release does not tell where in the model it reads"


@dataclass(frozen=True, slots=True)
class Named:
    """What is written about an SAE in sae-lens' list, as it stands there.

    Attributes:
        release: name of the release.
        sae_id: id within the release.
        path: within the repository.
        repo_id: Hub repository.
        loader: sae-lens' ``conversion_func``.
        neuronpedia_id: ``model/layer-source``.
    """

    release: str
    sae_id: str
    path: str
    repo_id: str
    loader: str | None = None
    neuronpedia_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an SAE reads.

    Attributes:
        layer: zero-based decoder block.
        site: as in ``Entry.site``.
        architecture: as in ``Entry.architecture``.
        reason: why it cannot steer, None if it can.
    """

    layer: int | None
    site: str | None
    architecture: str | None
    reason: str | None


_SITES = (
    (re.compile(r"hook_z"), "hook_z"),
    (re.compile(r"hook_embed|(^|/)embedding/"), "embed"),
    (re.compile(r"resid_pre"), "resid_pre"),
    (re.compile(r"resid_mid"), "resid_mid"),
    (re.compile(r"resid_post"), "resid_post"),
    (re.compile(r"attn_out"), "attn_out"),
    (re.compile(r"mlp_out"), "mlp_out"),
)
_LAYER = re.compile(r"(?:^|/)blocks\.(\d+)\.|layer_?(\d+)|(?:^|/)l(\d+)[arm]_")
_LLAMA_SCOPE = {"a": "attn_out", "m": "mlp_out", "r": "resid_post"}
_GEMMA_2 = {"res": "resid_post", "mlp": "mlp_out", "att": "hook_z"}


def place_of(named: Named) -> Place:
    """Where an SAE reads, and whether it can steer."""
    site = _site(named)
    layer = None if site == "embed" else _layer(named)
    architecture, reason = _architecture(named), None
    if architecture == "clt":
        reason = _CLT
    elif architecture == "transcoder":
        reason = _TRANSCODER
    elif architecture == "temporal":
        reason = _TEMPORAL
    elif site == "hook_z":
        reason = _HEADS
    elif site == "embed":
        reason = _EMBEDDING
    elif site is None or layer is None:
        reason = _UNKNOWN
    return Place(layer, site, architecture, reason)


def _site(named: Named) -> str | None:
    loader, release = named.loader, named.release
    if loader in ("mwhanna_transcoder", "mntss_clt_layer_transcoder", "gemma_2_transcoder"):
        return "mlp_in"
    if loader == "gemma_3":
        kind = named.path.partition("/")[0].removesuffix("_all")
        # Gemma Scope 2 calls what enters o_proj attn_out (its config.json: self_attn.o_proj.input).
        return {"attn_out": "hook_z", "transcoder": "mlp_in", "clt": "mlp_in"}.get(kind, kind)
    if loader == "gemma_2" and not named.path.startswith("embedding"):
        return _GEMMA_2.get(named.repo_id.rsplit("-", 1)[-1])
    if (loader or "").startswith("llama_scope") and (match := re.match(r"l\d+([arm])_", named.sae_id)):
        return _LLAMA_SCOPE[match[1]]
    if loader in ("goodfire", "qwen_scope", "deepseek_r1"):
        return "resid_post"
    for text in (named.sae_id, named.path, release):
        for pattern, site in _SITES:
            if pattern.search(text):
                return site
    return None


def _layer(named: Named) -> int | None:
    for text in (named.sae_id, named.path):
        if match := _LAYER.search(text):
            return int(next(group for group in match.groups() if group is not None))
    return None


def _architecture(named: Named) -> str | None:
    loader, text = named.loader, f"{named.release} {named.path}".casefold()
    if named.release == "llama-3-8b-it-res-jh":
        return "gated"  # as its author writes
    if loader == "mntss_clt_layer_transcoder" or re.search(r"\bclt", named.path):
        return "clt"
    if "transcoder" in text or "transcoder" in (loader or ""):
        return "transcoder"
    if loader == "temporal":
        return "temporal"
    if loader in ("gemma_2", "gemma_3", "llama_scope", "llama_scope_r1_distill"):
        return "jumprelu"
    if loader == "qwen_scope" or "-v5-" in text:
        return "topk"
    if loader in ("goodfire", "deepseek_r1"):
        return "standard"
    if "matryoshka" in text or "batch_top_k" in text or "batchtopk" in text:
        return "jumprelu"  # which is what they are saved as
    for word, architecture in (("gated", "gated"), ("jumprelu", "jumprelu"), ("jump_relu", "jumprelu"),
                               ("topk", "topk"), ("top_k", "topk"), ("vanilla", "standard"), ("standard", "standard"),
                               ("p_anneal", "standard"), ("panneal", "standard")):  # fmt: skip
        if word in text:
            return architecture
    return None


_WRITTEN = re.compile(r"(?<![0-9a-z.])(?:width_|w-?|fs|res-|att-|mlp-|resid-|v5_)?(\d+)k(?![0-9a-z])", re.I)
_MILLIONS = re.compile(r"width_(\d+)m(?![0-9a-z])")
_POWER = re.compile(r"width-2pow(\d+)")
_PLAIN = re.compile(r"(?:_|ds|fs)(768|1536|3072|6144|12288|16384|24576|49152|98304)(?![0-9])")
_EXPANSION = re.compile(r"l\d+[arm]_(\d+)x")

_D_LLAMA_8B = 4096
_WIDTHS = {
    # Written in no name; from sae-lens' loaders and from what the authors publish beside the weights.
    "gpt2-small-res-jb": 24576,
    "llama-3-8b-it-res-jh": 65536,
    # 64 x 512: Marks et al., Sparse Feature Circuits (2024).
    "pythia-70m-deduped-res-sm": 32768,
    "pythia-70m-deduped-att-sm": 32768,
    "pythia-70m-deduped-mlp-sm": 32768,
    # 60 x 768: Braun et al., end-to-end SAEs (2024).
    **{f"gpt2-small-res_{kind}-ajt": 46080 for kind in ("sce", "scl", "sle", "sll", "scefr", "slefr")},
    "goodfire-llama-3.3-70b-instruct": 65536,
    "goodfire-llama-3.1-8b-instruct": 65536,
}
_THOUSANDS = {4: 4096, 8: 8192, 16: 16384, 32: 32768, 64: 65536, 65: 65536, 80: 81920, 128: 131072, 131: 131072,
              262: 262144, 524: 524288}  # fmt: skip
"""What authors mean by so many k: always so many times 1024, written in powers of two or rounded from them."""


def width_of(named: Named) -> int | None:
    """Number of features; None where no name tells."""
    if named.release in _WIDTHS:
        return _WIDTHS[named.release]
    if match := _POWER.search(f"{named.release} {named.repo_id}"):
        return 2 ** int(match[1])
    if match := _EXPANSION.match(named.sae_id):
        return _D_LLAMA_8B * int(match[1])
    # A release holds one width or says it in each id, so that the more particular text comes first.
    for text in (named.sae_id, named.path, named.repo_id, named.neuronpedia_id or ""):
        if match := _PLAIN.search(text):
            return int(match[1])
        if match := _MILLIONS.search(text):
            return int(match[1]) * 1048576
        for number in _WRITTEN.findall(text):
            if int(number) in _THOUSANDS:
                return _THOUSANDS[int(number)]
    return None


_L0 = re.compile(r"average_l0_(\d+)")


def l0_of(named: Named, declared: int | float | None) -> float | None:
    """Mean number of active features: what the list declares, else what the path says."""
    if declared:
        return float(declared)
    for text in (named.sae_id, named.path):
        if match := _L0.search(text):
            return float(match[1])
    return None


def trained_on(named: Named, listed: str) -> str:
    """The model that an SAE was trained on, as its author spells it.

    The list is wrong about Gemma Scope's instruct SAEs in one release, whose repository says which model it is.
    """
    if named.loader == "gemma_2" and (match := re.search(r"gemma-scope-(\d+b)-(pt|it)", named.repo_id)):
        return f"gemma-2-{match[1]}" + ("-it" if match[2] == "it" else "")
    return listed
