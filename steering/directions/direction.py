"""What is a direction in the residual stream, whatever the method that found it?"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from steering.hook_points import HookPoint


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A direction in the residual stream, found from texts.

    Attributes:
        direction: unit norm, float32, on the CPU.
        max_projection: the unit of the factor, as max_act is for a feature, in residual units; positive. For SSV the
            norm of the learned vector; for every other method the largest projection of an eligible token of the
            examples.
        hook_point: where it was read and is to be written.
        name: how it was found.
        losses: mean loss of every update, for the methods that learn; nats per answer token for SSV and ReFT-r1, per
            token for the probe.
    """

    direction: Float[Tensor, " d_model"]
    max_projection: float
    hook_point: HookPoint
    name: str
    losses: tuple[float, ...] = ()
