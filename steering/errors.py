"""What can go wrong for a user, and nothing else.

Every message says what was got, what was expected and what to do next, in one sentence that can stand on a screen as
it is. A bug is not a ``SteeringError``: it shows itself as the exception it is.
"""


class SteeringError(Exception):
    """Something the user can mend; the message says how."""


class ExamplesError(SteeringError):
    """Labelled examples that cannot be used as they are."""


class ModelError(SteeringError):
    """A language model that cannot be found, loaded or hooked."""


class SaeError(SteeringError):
    """A sparse autoencoder that cannot be found, loaded, or does not fit the model."""


class InterventionError(SteeringError):
    """An intervention that is not defined: unknown feature, contradictory mode, factor that is not a number."""


class AdapterError(SteeringError):
    """A LoRA adapter or a fine-tune that cannot be trained, found or fitted to the model."""


class JudgeError(SteeringError):
    """A judge that cannot be named, reached or paid, or whose replies cannot be kept."""


class JudgeUnusableError(JudgeError):
    """A judge that will answer no further question either: its key was refused, or its quota is used up."""


class DirectionError(SteeringError):
    """A direction in the residual stream that cannot be learned as asked."""


class RecipeError(SteeringError):
    """A recipe that cannot be read, or run as it says."""


class ExportError(SteeringError):
    """Something that a file format cannot hold; the message says why and which format can."""


class StudyError(SteeringError):
    """A study that cannot be saved, found, read or taken over from a file."""


class WorldError(SteeringError):
    """An unknown concept of the embedded world, or assets that do not match their manifest."""


class Cancelled(Exception):  # noqa: N818 - a request by the user, not an error
    """The user stopped a job; raised inside it at the next safe point."""
