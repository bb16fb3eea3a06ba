"""What has this session chosen? Ids and short titles only; the things themselves are in ``steering.runtime.store``.

Everything here survives a switch of pages. A new choice takes away the choices that followed from the old one: new
examples leave no ranking behind.
"""

import secrets
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import streamlit as st

if TYPE_CHECKING:
    from steering.memory import SaeDtype
    from steering.models import Dtype

T = TypeVar("T")

_OWNER = "steerscope.owner"
_JOBS = "steerscope.jobs"


class Slot(Generic[T]):
    """One value of the session state, with its default and with the names that it clears when it changes."""

    def __init__(self, default: T, clears: tuple[str, ...] = ()) -> None:
        self._default = default
        self._clears = clears

    def __set_name__(self, owner: type, name: str) -> None:
        self._key = f"steerscope.{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> "Slot[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "T | Slot[T]":
        if instance is None:
            return self
        value: T = st.session_state.get(self._key, self._default)
        return value

    def __set__(self, instance: object, value: T) -> None:
        if value != st.session_state.get(self._key, self._default):
            for name in self._clears:
                st.session_state.pop(f"steerscope.{name}", None)
        st.session_state[self._key] = value


_FROM_COMPARISON = ("comparison_id", "comparison_title")
_FROM_FEATURES = ("completions_id", "steer_title", *_FROM_COMPARISON)
_FROM_RANKING = ("feature_id", "features", "features_title", *_FROM_FEATURES)
_FROM_LABEL = ("ranking_id", "ranking_title", "adapter_id", *_FROM_RANKING)
_FROM_EXAMPLES = ("label", *_FROM_LABEL)
_FROM_MODEL = ("conversation_id", *_FROM_LABEL)
PAIR = ("model", "sae", "device", "dtype", "sae_dtype")
"""The choices that say which model and SAE are worked with, and where."""
OF_PAIR = _FROM_MODEL
"""The choices that follow from them, each behind those that clear it."""


class Chosen:
    """The session's choices; read and set them as attributes of `chosen`.

    Attributes:
        model: source of the language model, as in ``load_model``.
        sae: source of the sparse autoencoder, as in ``load_sae``.
        device: where the model runs, a torch device or ``auto``.
        dtype: number format of its weights, or ``auto``.
        sae_dtype: what the SAE's matrices are kept in.
        examples_id: store id of the labelled examples (kind "examples").
        examples_title: what the menu says about them.
        label: name of the label that is looked for.
        ranking_id: store id of the ranking (kind "ranking").
        ranking_title: what the menu says about it.
        feature_id: the feature that is looked at on the Features page.
        features: up to four feature ids to steer with; the place gives the colour.
        features_title: what the menu says about them.
        completions_id: store id of the last steered completions (kind "steer").
        conversation_id: store id of the last turn of a conversation (kind "converse"); other features may go on in it.
        steer_title: what the menu says about them.
        adapter_id: store id of the trained LoRA adapter (kind "adapter").
        comparison_id: store id of the comparison (kind "compare").
        comparison_title: what the menu says about it.
    """

    model = Slot[str]("demo", clears=_FROM_MODEL)
    sae = Slot[str]("demo", clears=_FROM_MODEL)
    device = Slot[str]("auto", clears=_FROM_MODEL)
    dtype: "Slot[Dtype]" = Slot("auto", clears=_FROM_MODEL)
    sae_dtype: "Slot[SaeDtype]" = Slot("float32", clears=_FROM_MODEL)
    examples_id = Slot[str | None](None, clears=_FROM_EXAMPLES)
    examples_title = Slot[str | None](None)
    label = Slot[str | None](None, clears=_FROM_LABEL)
    ranking_id = Slot[str | None](None, clears=_FROM_RANKING)
    ranking_title = Slot[str | None](None)
    feature_id = Slot[int | None](None)
    features = Slot[tuple[int, ...]]((), clears=_FROM_FEATURES)
    features_title = Slot[str | None](None)
    completions_id = Slot[str | None](None)
    conversation_id = Slot[str | None](None)
    steer_title = Slot[str | None](None)
    adapter_id = Slot[str | None](None)
    comparison_id = Slot[str | None](None)
    comparison_title = Slot[str | None](None)


chosen = Chosen()


def toggle_feature(feature_id: int, *, limit: int = 4) -> bool:
    """Add a feature to those to steer with, or take it out; False if there is no room for it."""
    features = chosen.features
    if feature_id in features:
        chosen.features = tuple(kept for kept in features if kept != feature_id)
        return True
    if len(features) >= limit:
        return False
    chosen.features = (*features, feature_id)
    return True


def feature_key(prefix: str, feature_id: int) -> str:
    """Widget key of a feature; the same number is another feature in another SAE."""
    return f"{prefix}_{chosen.model}_{chosen.sae}_{feature_id}"


def is_news(key: str, value: object) -> bool:
    """Whether ``value`` differs from what was last given under ``key``.

    A clicked point stays clicked on every rerun; this tells the click from its echo, so that a chart, a table and a
    heatmap can all choose the same thing without overruling each other.
    """
    name = f"steerscope.news.{key}"
    news = name not in st.session_state or st.session_state[name] != value
    st.session_state[name] = value
    return news


def owner() -> str:
    """An unguessable name of this session, for quotas."""
    if _OWNER not in st.session_state:
        st.session_state[_OWNER] = secrets.token_urlsafe(9)
    name: str = st.session_state[_OWNER]
    return name


def job_id(kind: str) -> str | None:
    """Id of the job of that kind that this session started last."""
    jobs: dict[str, Any] = st.session_state.get(_JOBS, {})
    return jobs.get(kind)


def set_job(kind: str, id: str | None) -> None:
    """Remember (or forget) the job of that kind."""
    jobs = dict(st.session_state.get(_JOBS, {}))
    if id is None:
        jobs.pop(kind, None)
    else:
        jobs[kind] = id
    st.session_state[_JOBS] = jobs
