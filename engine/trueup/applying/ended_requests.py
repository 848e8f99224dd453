"""Passes ended requests from the workers that sent them to the loop that journals them."""

from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future
from threading import Condition

from trueup.applying.send import SendResult


class EndedRequests:
    """A queue of ended requests.

    Workers wake the loop only if it has something to do, because each wake-up of a thread costs as
    much as a tenth of a request.
    """

    def __init__(self, enough: int) -> None:
        """`enough`: requests that keep an endpoint busy until more are sent."""
        self._enough = enough
        self._changed = Condition()
        self._ended: list[Future[SendResult]] = []
        self._left: Counter[str] = Counter()  # requests that have not ended, by entity

    def expect(self, entity: str) -> None:
        """Counts a request to an endpoint that is about to be sent."""
        with self._changed:
            self._left[entity] += 1

    def put(self, entity: str, future: Future[SendResult]) -> None:
        """Adds a request that has ended; called by its worker."""
        with self._changed:
            self._ended.append(future)
            self._left[entity] -= 1
            if len(self._ended) == 1 or self._left[entity] <= self._enough:
                self._changed.notify()

    def take(self) -> list[Future[SendResult]]:
        """Returns the ended requests since the last call."""
        with self._changed:
            taken, self._ended = self._ended, []
        return taken

    def wait(self, seconds: float) -> bool:
        """Waits until a request has ended, at most so many seconds; returns whether one has."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._ended), seconds)

    def gather(self, entities: Collection[str], seconds: float) -> None:
        """Waits for more ended requests, as long as each of these endpoints has enough to do.

        Returns at once if all have ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_short(entities), seconds)

    def _is_short(self, entities: Collection[str]) -> bool:
        is_all = not any(self._left.values())
        return is_all or any(self._left[entity] <= self._enough for entity in entities)
