"""What would steering score if the feature, the direction or the concept did not matter?"""

import numpy as np

from steering.errors import SaeError
from steering.methods.features import steering_with
from steering.methods.sae import sae_f1c
from steering.methods.task import Prepared, Task

DENSITY_FACTOR = 1.5


def random_feature(task: Task) -> Prepared:
    """Any feature about as dense as the one that F1c chooses, but not that one.

    It is matched in density alone. Its max_act need not be: the grid moves the stream by shares of its norm, so both
    are written equally far. Its output score is not matched either, though the arm of the paper's second claim would
    have that too (method.md, section 3.4): an unmatched control answers "does it matter which feature?" and leaves "is
    it more than that it moves the next token?" to ``sae_f1c_output``, which adds that filter to the same choice.

    Raises:
        SaeError: none is as dense.
    """
    chosen = int(sae_f1c(task).details["feature_ids"][0])
    reference = task.loaded.reference
    density = reference.density if reference is not None else task.statistics.density
    wanted = float(density[chosen])
    alike = [
        one
        for one in np.flatnonzero((density >= wanted / DENSITY_FACTOR) & (density <= wanted * DENSITY_FACTOR)).tolist()
        if one != chosen and task.max_act(one) > 0
    ]
    if not alike:
        raise SaeError(f"No feature is about as dense as feature {chosen} ({wanted:.2g}); no control can be drawn.")
    rng = np.random.default_rng([task.seed, chosen])
    return steering_with("random_feature", task, [int(rng.choice(alike))], details={"density_of": chosen})


def other_concept(task: Task) -> Prepared:
    """The feature that F1c chooses for another concept: the first of ``task.others`` for which it is another feature.

    Concepts may share their feature. Steering with that would be no control but the method itself.

    Raises:
        SaeError: there is no other concept, or all share their feature with this one.
    """
    if not task.others:
        raise SaeError("The control other_concept needs the examples of a second concept; give more than one concept.")
    own = int(sae_f1c(task).details["feature_ids"][0])
    shared: list[str] = []
    for make in task.others:
        other = make()
        chosen = int(sae_f1c(other).details["feature_ids"][0])
        if chosen != own:
            return steering_with("other_concept", task, [chosen], details={"other": other.concept, "shared": shared})
        shared.append(other.concept)
    raise SaeError(
        f"F1c chooses feature {own} for every other concept too; the control needs one with another feature."
    )
