"""Speeds up small plans and applies, and makes them deterministic."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Self

from trueup.expressions.compiled import Compiled

_compiled: dict[tuple[object, ...], Any] = {}


def compiled_once(mapping: Any, entity: Any, rules: Any) -> Any:
    """Compiling takes half the time of a small plan, and the mappings stay as they are here."""
    key = (id(mapping), id(entity), *map(id, rules))
    if key not in _compiled:
        _compiled[key] = Compiled(mapping, entity, rules), mapping, entity, rules
    return _compiled[key][0]


class AtOnce:
    """A pool of threads without threads: the same every time, so that a story can be told again."""

    def __init__(self, max_workers: int) -> None:
        self.max_workers = max_workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def shutdown(self) -> None:
        """There are no threads to wait for."""

    def submit(self, do: Callable[..., Any], *given: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(do(*given))
        except BaseException as fault:  # noqa: BLE001 -- as a pool does; whoever asks for the result gets it
            future.set_exception(fault)
        return future

    def map(self, do: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
        return [do(one) for one in given]
