"""How are a model's activations read and edited while it runs?

The only file that registers forward hooks. Two verbs, both context managers: ``record`` reads the stream at a hook
point and can end the forward there, ``edit`` changes it. Hooks are registered before anything can fail and removed
whatever happens. The caller holds the model's lock.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from steering.hook_points import HookPoint
from steering.layout import HookTarget
from steering.models import LanguageModel

Edit = Callable[[Tensor], Tensor]
"""From the stream ``[batch pos d_model]`` of the present chunk to the edited stream, same shape and dtype."""


class _StopForward(Exception):  # noqa: N818 - control flow: ends a forward once the stream has been read
    """Raised inside a hook; never leaves this module."""


@dataclass(slots=True)
class Recording:
    """What ``record`` saw in the latest forward."""

    resid: Tensor | None = None


def _stream(output: Any) -> Tensor:
    # Decoder layers return a bare tensor in current transformers and a tuple in older ones; attention returns a tuple.
    return output if isinstance(output, Tensor) else output[0]


def _register(target: HookTarget, see: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call ``see`` with the stream at ``target``; what it returns, if anything, replaces the stream."""
    if target.end == "output":

        def after(_module: nn.Module, _args: Any, output: Any) -> Any:
            changed = see(_stream(output))
            if changed is None:
                return None
            return changed if isinstance(output, Tensor) else (changed, *output[1:])

        after.steerscope = True  # type: ignore[attr-defined]  # what count_hooks looks for
        return target.module.register_forward_hook(after)

    def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        changed = see(args[0] if args else kwargs["hidden_states"])
        if changed is None:
            return None
        if args:
            return (changed, *args[1:]), kwargs
        return args, kwargs | {"hidden_states": changed}

    before.steerscope = True  # type: ignore[attr-defined]
    return target.module.register_forward_pre_hook(before, with_kwargs=True)


@contextmanager
def record(model: LanguageModel, hook_point: HookPoint, *, stop: bool = False) -> Iterator[Recording]:
    """Read the stream at ``hook_point`` during the forwards inside the block.

    Args:
        model: whose lock the caller holds.
        hook_point: where.
        stop: end the forward as soon as the stream has been read. The block then ends there too: put one forward
            into it, and nothing after.

    Yields:
        A recording whose ``resid`` is ``[batch pos d_model]`` after the forward, on the model's device.

    Raises:
        ModelError: the model has no such hook point.
    """
    recording = Recording()
    device = model.device

    def see(resid: Tensor) -> None:
        recording.resid = resid.to(device)  # of a model split over several devices, layers run on others
        if stop:
            raise _StopForward

    handle = _register(model.layout.locate(hook_point), see)
    try:
        yield recording
    except _StopForward:
        pass
    finally:
        handle.remove()


@contextmanager
def edit(model: LanguageModel, hook_point: HookPoint, change: Edit) -> Iterator[None]:
    """Replace the stream at ``hook_point`` by ``change(stream)`` in every forward inside the block.

    Between attention and MLP (``resid_mid``) a layer has no module that the whole stream goes through: the norm before
    the MLP reads one copy, the other goes round it. The norm's copy is edited, and the difference is added again where
    the MLP's output joins the other one.

    Raises:
        ModelError: the model has no such hook point.
    """
    layout, device = model.layout, model.device
    target = layout.locate(hook_point)

    def see(resid: Tensor) -> Tensor:
        return change(resid.to(device)).to(resid.device)

    with ExitStack() as stack:
        if hook_point.site == "resid_mid":
            joins = layout.locate(HookPoint(hook_point.layer, "mlp_out"))
            differences: list[Tensor] = []

            def change_copy(resid: Tensor) -> Tensor:
                edited = see(resid)
                differences[:] = [edited - resid]
                return edited

            def change_other(added: Tensor) -> Tensor:
                return added + differences.pop()

            stack.callback(_register(target, change_copy).remove)
            stack.callback(_register(joins, change_other).remove)
        else:
            stack.callback(_register(target, see).remove)
        yield


def count_hooks(model: LanguageModel) -> int:
    """Hooks of this module that are registered anywhere in the model now; 0 outside the blocks above.

    Hooks of others do not count: transformers leaves recorders of its own behind after ``output_hidden_states``.
    """
    return sum(
        hasattr(hook, "steerscope")
        for module in model.model.modules()
        for hook in (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
    )
