"""A state and a target that die at a chosen moment, as a process does that is killed."""

from collections.abc import Mapping
from typing import Any

from trueup.errors import StateLocked

from tests.support.fakes import FakeState
from tests.support.scene import Scene, Tenant


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class FrailState(FakeState):
    """Dies at the nth write: before it is durable, or right after."""

    def __init__(self, like: FakeState, nth: int, *, after: bool) -> None:
        self.__dict__.update(like.__dict__)
        self.left, self.after = nth, after

    def begin(self, *given: Any) -> None:
        self._write(super().begin, *given)

    def record(self, *given: Any) -> None:
        self._write(super().record, *given)

    def finish(self, *given: Any) -> None:
        self._write(super().finish, *given)

    def _write(self, write: Any, *given: Any) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        write(*given)
        if self.left == 0:
            raise Killed


def kills_at_write(target: Tenant, nth: int, *, after: bool) -> None:
    """The nth write to Autotask is the last thing that the process does."""
    left = [nth]
    write = Tenant._faulty.__get__(target)

    def deadly(verb: str, entity: str, values: Mapping[str, Any], do: Any) -> Any:
        left[0] -= 1
        if left[0] < 0 or (left[0] == 0 and not after):
            raise Killed
        answer = write(verb, entity, values, do)
        if left[0] == 0:
            raise Killed
        return answer

    target._faulty = deadly  # for this one test


def killed(scene: Scene, do: Any, *, nth: int, after: bool) -> bool:
    """Does it and is killed at the nth write of the state; False where it was done before."""
    healthy = scene.state
    frail = scene.state = FrailState(healthy, nth, after=after)
    try:
        do()
    except Killed:
        return True
    finally:
        scene.state = healthy
        healthy.__dict__.update(
            {name: value for name, value in frail.__dict__.items() if name not in ("left", "after")}
        )
        healthy.lease = None  # it runs out by itself
    return False


def recover(scene: Scene) -> None:
    """What anybody does after a crash: resume what is open, then plan and apply what is left."""
    for _ in range(5):
        if not scene.state.load().open_runs:
            break
        scene.wait(301)
        scene.resume()
    made = scene.plan()
    if made.changes:
        outcome = scene.apply(made)
        assert outcome.complete, outcome


__all__ = ["FrailState", "Killed", "StateLocked", "killed", "kills_at_write", "recover"]
