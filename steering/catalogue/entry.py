"""What is known about a published SAE before anything is loaded?"""

from dataclasses import dataclass

from steering.hook_points import SITES


@dataclass(frozen=True, slots=True)
class Entry:
    """One SAE of sae-lens' list. None is "the list does not tell".

    Attributes:
        release: name of its release.
        sae_id: its id within the release.
        repo_id: Hub repository of its files.
        path: folder or file within the repository.
        model: Hub id of the model that it was trained on.
        layer: zero-based decoder block; None for SAEs of the embedding.
        site: one of ``steering.hook_points.SITES``, or ``hook_z``, ``mlp_in``, ``embed``.
        width: number of features.
        l0: mean number of active features per token, as its authors declare it.
        neuronpedia_id: ``model/layer-source`` of its pages on Neuronpedia.
        architecture: of its kind where the release tells: ``jumprelu``, ``topk``, ``standard``, ``gated``,
            ``transcoder``, ``clt``, ``temporal``.
        loader: the name of sae-lens' loader for its files; None is sae-lens' own format.
        reason: why it cannot steer, None if it can.
    """

    release: str
    sae_id: str
    repo_id: str
    path: str
    model: str
    layer: int | None
    site: str | None
    width: int | None
    l0: float | None
    neuronpedia_id: str | None
    architecture: str | None
    loader: str | None
    reason: str | None

    @property
    def source(self) -> str:
        """What ``load_sae`` is asked for."""
        return f"{self.release}/{self.sae_id}"

    @property
    def steerable(self) -> bool:
        """Whether it reads and writes one place of the residual stream."""
        return self.reason is None

    @property
    def place(self) -> str:
        """Its hook point as it is shown, in TransformerLens' spelling where the site has one."""
        if self.layer is None or self.site is None:
            return self.site or "not recorded"
        if self.site in SITES:
            return f"blocks.{self.layer}.hook_{self.site}"
        return f"layer {self.layer}, {self.site}"

    @property
    def file(self) -> str:
        """Path of the file with its weights within the repository."""
        inner = _WEIGHTS.get(self.loader or "", "")
        return f"{self.path}/{inner}" if inner else self.path


_WEIGHTS = {
    "": "sae_weights.safetensors",
    "sae_lens": "sae_weights.safetensors",
    "gemma_2": "params.npz",
    "gemma_2_transcoder": "params.npz",
    "gemma_3": "params.safetensors",
    "llama_scope": "checkpoints/final.safetensors",
    "llama_scope_r1_distill": "sae_weights.safetensors",
    "dictionary_learning_1": "ae.pt",
    "temporal": "latest_ckpt.safetensors",
}
"""Loader → file within an SAE's folder; where a loader is missing the path is the file."""
