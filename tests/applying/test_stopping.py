"""Stopped, out of calls, cut off or without its lock, a run ends cleanly and is resumed."""

from datetime import timedelta
from threading import Event

import pytest
from msgspec.structs import replace
from trueup.errors import RunLeftOpen, SourceError, StateLocked, TargetUnavailable
from trueup.model.document import dumps
from trueup.model.run import Lease
from trueup.pipeline import apply, resume

from tests.support.fakes import FakeClock, FakeState
from tests.support.scene import Fault, Scene, account, actions, settled
from tests.support.small_project import settings
from tests.support.starting_points import disturbed


def test_calls_that_are_used_up_stop_the_run_and_resume_finishes_it():
    scene = disturbed(Fault("used up", "Contracts"))
    outcome = scene.apply(scene.plan())
    assert (outcome.complete, outcome.stopped) == (False, "all calls are used")
    assert outcome.remaining == 7
    assert scene.state.load().open_runs[0].status == "interrupted"
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_read_that_fails_stops_the_run_and_resume_finishes_it():
    scene = Scene()
    made = scene.plan()
    read = scene.target.read

    def broken(entity, where, fields):
        if entity == "Contracts":
            raise TargetUnavailable("Autotask is away")
        return read(entity, where, fields)

    scene.target.read = broken
    outcome = scene.apply(made)
    assert (outcome.stopped, outcome.remaining) == ("Autotask is away", 7)
    del scene.target.read
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_source_that_cannot_be_read_stops_the_run():
    scene = Scene()
    made = scene.plan()

    def away(_table, _columns, _keys):
        raise SourceError("the folder is gone")

    scene.source.read = away
    outcome = scene.apply(made)
    assert (outcome.stopped, scene.target.sent) == ("the folder is gone", [])
    del scene.source.read
    assert scene.resume().complete


@pytest.mark.parametrize("nth", range(8))
def test_a_source_that_goes_away_while_changes_are_in_flight_leaves_none_of_them_in_doubt(nth):
    scene = Scene()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})
    for number in range(4):
        scene.add("account", account(f"b{number}", name=f"Brook {number}", number=f"B-{number}"))
    made, read, reads = scene.plan(), scene.source.read, []

    def away(table, columns, keys):
        reads.append(table)
        if len(reads) > nth:
            raise SourceError("the folder is gone")
        return read(table, columns, keys)

    scene.source.read = away
    outcome = scene.apply(made)
    assert outcome.stopped == "the folder is gone"
    assert {one.status for one in outcome.changes} <= {"applied"}
    del scene.source.read
    assert scene.resume().complete
    assert scene.plan().changes == ()


def test_a_source_that_cannot_be_written_fails_the_marks_and_nothing_else():
    scene = Scene()
    made = scene.plan()

    def locked(_table, _updates):
        raise SourceError("the file is open elsewhere")

    scene.source.write = locked
    outcome = scene.apply(made)
    assert {one.change for one in outcome.changes if one.status == "failed"} == {
        "subscription:sub:mark", "license_change:first:mark", "license_change:second:mark",
    }  # fmt: skip
    del scene.source.write
    assert set(actions(scene.sync())) == {
        ("write back", "subscription"),
        ("write back", "license_change"),
    }
    assert scene.picture() == settled().picture()


def test_a_lock_that_is_lost_before_a_mark_stops_the_run():
    scene = Scene()
    made, write = scene.plan(), scene.source.write

    def lost_once(_table, _updates):
        scene.source.write = write
        raise StateLocked("another run holds the lock")

    scene.source.write = lost_once
    outcome = scene.apply(made)
    assert outcome.stopped == "another run holds the lock"
    assert outcome.remaining > 0
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


@pytest.mark.parametrize("after", range(9))
def test_a_stop_hands_out_nothing_more_and_resume_finishes(after):
    scene, stop = Scene(), Event()
    made = scene.plan()
    scene.target.on_write = lambda *_: len(scene.target.sent) >= after and stop.set()
    outcome = scene.apply(made, stop=stop)
    is_open = bool(scene.state.load().open_runs)
    assert is_open or after > 6
    assert (outcome.interrupted, outcome.is_open) == (is_open, is_open)
    assert {one.status for one in outcome.changes} <= {"applied"}
    scene.target.on_write = lambda *_: None
    if is_open:
        assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_stop_after_the_last_write_was_sent_leaves_nothing_to_resume():
    scene, stop = Scene(), Event()
    made, write = scene.plan(), scene.source.write

    def stopped_after(table, updates):
        written = write(table, updates)
        if table == "license_change":
            stop.set()
        return written

    scene.source.write = stopped_after

    outcome = scene.apply(made, stop=stop)

    assert stop.is_set()
    assert (outcome.interrupted, outcome.is_open, outcome.complete) == (False, False, True)
    assert [run.status for run in scene.state.runs()] == ["done"]


def test_a_stop_before_anything_was_sent_sends_nothing():
    scene, stop = Scene(), Event()
    stop.set()
    outcome = scene.apply(scene.plan(), stop=stop)
    assert (outcome.interrupted, outcome.remaining, scene.target.sent) == (True, 10, [])
    assert "stop" not in outcome.stopped
    assert resume(scene.project, scene.world).complete


def test_a_lock_that_is_lost_stops_the_run_before_the_next_write():
    scene = Scene()
    made = scene.plan()
    scene.target.on_write = lambda *_: scene.state.acquire("somebody else", reason="in a hurry")
    with pytest.raises(RunLeftOpen) as raised:
        scene.apply(made)
    assert isinstance(raised.value.__cause__, StateLocked)
    assert str(raised.value).endswith(
        f"Run {scene.state.runs()[-1].id} was left, and what it may have sent is in doubt: unless "
        "the process that took the lock does, `trueup apply --resume` settles that and goes on"
    )
    assert len(scene.target.sent) <= 3
    scene.target.on_write = lambda *_: None
    scene.state.lease = None
    scene.wait(301)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_lease_that_ran_out_is_renewed_before_the_next_write():
    scene = Scene()
    made = scene.plan()
    scene.target.on_write = lambda *_: setattr(
        scene.clock, "instant", scene.clock.instant + timedelta(seconds=61)
    )
    assert scene.apply(made).complete


def test_progress_counts_to_the_end():
    scene, seen = Scene(), []
    made = scene.plan()
    apply(
        scene.project,
        scene.world,
        dumps(made),
        watch=lambda progress: seen.append((progress.done, progress.total)),
    )
    assert seen[-1] == (10, 10)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


class ShortLeases(FakeState):
    """Leases that the heartbeat renews after a twentieth of a second."""

    def __init__(self, clock: FakeClock, *, lost: bool = False) -> None:
        super().__init__(clock)
        self.beaten, self.lost = Event(), lost

    def acquire(self, holder: str, *, reason: str = "") -> Lease:
        self.lease = replace(
            super().acquire(holder, reason=reason),
            expires=self.clock.now() + timedelta(seconds=0.1),
        )
        return self.lease

    def renew(self, lease: Lease) -> Lease:
        if self.lost:
            self.lease = replace(lease, token=lease.token + 1)
        self.beaten.set()
        return super().renew(lease)


def test_while_a_write_takes_long_the_heartbeat_keeps_the_lock():
    scene = Scene()
    scene.state = state = ShortLeases(scene.clock)
    made = scene.plan()
    seen = []
    scene.target.on_write = lambda *_: seen.append(state.beaten.wait(10))
    assert scene.apply(made).complete
    assert all(seen)


def test_a_heartbeat_that_finds_the_lock_taken_leaves_it_to_the_next_write_to_say_so():
    scene = Scene()
    scene.state = state = ShortLeases(scene.clock, lost=True)
    made = scene.plan()
    scene.target.on_write = lambda *_: state.beaten.wait(10)
    with pytest.raises(RunLeftOpen):
        scene.apply(made)
    assert len(scene.target.sent) <= 6
