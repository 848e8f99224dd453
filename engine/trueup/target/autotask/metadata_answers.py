"""Answers about metadata: from the file that an earlier plan has kept, or from the service."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TypeVar

from trueup.target.autotask.kept_answers import KeptAnswers
from trueup.target.autotask.responses import MalformedResponse

_Result = TypeVar("_Result")


class Ask(Protocol):
    """Asks the service for an answer about an entity."""

    def __call__(self, name: str, route: str, read: Callable[[object], _Result], /) -> _Result:
        """Returns what `read` makes of the answer. Raises `TargetError`."""
        ...


class MetadataAnswers:
    """Takes answers from the file, asks the service for the others, and keeps these.

    An answer belongs to an entity and a route below its `entityInformation`.
    """

    def __init__(self, ask: Ask, kept: KeptAnswers | None, owner: Callable[[], str]) -> None:
        """`kept` is the file, if there is one.

        `owner` returns the tenant, zone and API user to whom its answers belong.
        """
        self._ask, self._kept, self._owner = ask, kept, owner
        self._read_at: dict[str, dict[str, datetime]] = {}  # those of the file, by name and route

    def get(self, name: str, route: str, read: Callable[[object], _Result]) -> _Result:
        """Returns the kept answer, if there is one that can be read; else that of the service."""
        answer = self._opened(self._kept).get(answer_path(name, route)) if self._kept else None
        if answer:
            with suppress(MalformedResponse):  # a damaged file counts as absent
                result = read(answer.payload)
                self._read_at.setdefault(name, {})[route] = answer.at
                return result
        return self.read_again(name, route, read)

    def read_again(self, name: str, route: str, read: Callable[[object], _Result]) -> _Result:
        """Returns the answer of the service, and keeps it."""
        payload, result = self._ask(name, route, lambda payload: (payload, read(payload)))
        self._read_at.get(name, {}).pop(route, None)
        if self._kept:
            self._opened(self._kept).put(answer_path(name, route), payload)
        return result

    def is_kept(self, name: str, route: str) -> bool:
        """Returns whether the answer in use was taken from the file."""
        return route in self._read_at.get(name, {})

    def has(self, name: str) -> bool:
        """Returns whether any answer in use about the entity was taken from the file."""
        return bool(self._read_at.get(name))

    def since(self) -> Mapping[str, datetime]:
        """Returns the entities with answers of the file: when the oldest of each was read."""
        return {name: min(routes.values()) for name, routes in self._read_at.items() if routes}

    def count(self) -> int:
        """Returns how many answers of the file are in use."""
        return sum(len(routes) for routes in self._read_at.values())

    def forget(self, name: str) -> None:
        """Drops the answers about an entity from the file: the next process reads them again."""
        if self._kept:
            self._opened(self._kept).forget(name)

    def save(self) -> None:
        """Keeps what was read anew, for later plans."""
        if self._kept:
            self._kept.save()

    def _opened(self, kept: KeptAnswers) -> KeptAnswers:
        """The file, as that of this tenant, zone and API user."""
        kept.belong_to(self._owner())
        return kept


def answer_path(name: str, route: str) -> str:
    """Returns the path of an answer below the API's root."""
    return f"{name}/entityInformation{route}"
