"""Hands requests that have ended from the workers that sent them to the loop that journals them."""

from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future
from threading import Condition

from trueup.applying.send import SendResult


class EndedRequests:
    """Requests that have ended, until the loop takes them.

    Workers wake the loop only where it has something to do: each time that a thread wakes costs as
    much as a tenth of a request.
    """

    def __init__(self, enough: int) -> None:
        """`enough`: requests that keep an endpoint busy until more are handed out."""
        self._enough = enough
        self._changed = Condition()
        self._ended: list[Future[SendResult]] = []
        self._left: Counter[str] = Counter()  # requests that have not ended, by entity

    def expect(self, entity: str) -> None:
        """A request is about to be handed out."""
        with self._changed:
            self._left[entity] += 1

    def put(self, entity: str, future: Future[SendResult]) -> None:
        """A request has ended; called by its worker."""
        with self._changed:
            self._ended.append(future)
            self._left[entity] -= 1
            if len(self._ended) == 1 or self._left[entity] <= self._enough:
                self._changed.notify()

    def take(self) -> list[Future[SendResult]]:
        """Those that have ended and were not taken before."""
        with self._changed:
            taken, self._ended = self._ended, []
        return taken

    def wait(self, seconds: float) -> bool:
        """Waits until one has ended, for so long at most; returns whether one has."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._ended), seconds)

    def gather(self, entities: Collection[str], seconds: float) -> None:
        """Waits for more, as long as each of these endpoints has more than enough to do.

        Not where all have ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_short(entities), seconds)

    def _is_short(self, entities: Collection[str]) -> bool:
        is_all = not any(self._left.values())
        return is_all or any(self._left[entity] <= self._enough for entity in entities)
