"""How far is the search for a direction, and should it go on?"""

from collections.abc import Callable

from steering.errors import Cancelled

OnBatch = Callable[[int, int], None]
"""Called with the batches and updates that are done, and their total."""


class Progress:
    """Counts batches that were read and updates that were made."""

    def __init__(self, total: int, on_batch: OnBatch | None, should_stop: Callable[[], bool] | None) -> None:
        self._done = 0
        self._total = total
        self._on_batch = on_batch
        self._should_stop = should_stop

    def check(self) -> None:
        """Ask whether to go on, before anything that takes long.

        Raises:
            Cancelled: no.
        """
        if self._should_stop is not None and self._should_stop():
            raise Cancelled

    def tick(self) -> None:
        """One more is done."""
        self._done += 1
        if self._on_batch is not None:
            self._on_batch(self._done, self._total)
