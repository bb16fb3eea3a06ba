"""How do chosen features become a method? Strength in shares of the stream, factor in units of max_act."""

from collections.abc import Mapping, Sequence
from typing import Any

from steering.errors import SaeError
from steering.generation.condition import Condition
from steering.interventions import FeatureEdit, Intervention, Mode, Scope
from steering.methods.task import STREAM_SHARES, Prepared, Task


def steering_with(
    method: str,
    task: Task,
    feature_ids: Sequence[int],
    *,
    mode: Mode = "add",
    scope: Scope | None = None,
    details: Mapping[str, Any] | None = None,
) -> Prepared:
    """Steer with features, all at one factor; several share the budget of the largest.

    The grid moves the stream by `STREAM_SHARES` of its median norm, so that features with large and with small
    max_act are tried equally far.

    Args:
        method: name in tables.
        task: whose SAE has the features.
        feature_ids: at least one, most important first.
        mode: what happens to the codes.
        scope: which positions are written; None for the task's own.
        details: what else the manifest should hold.

    Raises:
        SaeError: a feature never fired where max_act was measured.
    """
    units = {feature_id: task.max_act(feature_id) for feature_id in feature_ids}
    silent = [feature_id for feature_id, unit in units.items() if unit <= 0]
    if silent:
        raise SaeError(f"Feature {silent[0]} never fired, so a factor has no unit; {method} needs another feature.")
    largest = max(units.values())

    unit = task.resid_norm / largest
    where = task.positions if scope is None else scope

    def at(share: float) -> Condition:
        edits = tuple(FeatureEdit(feature_id, share * unit, units[feature_id]) for feature_id in feature_ids)
        return Condition("steered", intervention=Intervention(edits, mode=mode, scope=where))

    told = {
        "feature_ids": list(feature_ids),
        "max_act": [units[one] for one in feature_ids],
        "mode": mode,
        "scope": where,
    }
    return Prepared(method, at, STREAM_SHARES, unit, told | dict(details or {}))
