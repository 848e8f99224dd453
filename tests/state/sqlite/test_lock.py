"""The lock on one host: who may take it, what is recorded, what a holder can check."""

import os
import sqlite3
import subprocess
import sys
from datetime import timedelta

import pytest

from engine.errors import StateError, StateLocked
from engine.model.run import Effects
from engine.state.process import Fate
from engine.state.sqlite import SqlState


def test_the_refusal_says_who_where_since_when_until_when_and_how_to_force(opened, state):
    state.acquire("apply (ann)")

    with pytest.raises(StateLocked) as refused:
        opened(2).acquire("apply (ben)")

    assert str(refused.value).endswith(
        "state.sqlite is locked by apply (ann) (host host-1, process 1) since 2026-11-20 12:00:00 UTC; "
        "its lease runs until 2026-11-20 12:01:00 UTC. "
        "Wait for it to end, or take the lock over with --force-lock --reason WHY"
    )


def test_a_dead_holders_lock_is_taken_over_at_once(opened, state, fates):
    lease = state.acquire("apply (ann)")
    fates[1] = Fate.DEAD

    taken = opened(2).acquire("apply (ben)")

    assert (taken.token, taken.holder, taken.pid) == (lease.token + 1, "apply (ben)", 2)


def test_a_paused_holder_keeps_the_lock_although_its_lease_ran_out(opened, state, clock):
    state.acquire("apply (ann)")
    clock.sleep(3600)

    with pytest.raises(StateLocked, match="ran out at 2026-11-20 12:01:00 UTC, but that process is still there"):
        opened(2).acquire("apply (ben)")


def test_a_holder_of_whom_nothing_is_known_keeps_the_lock_until_its_lease_runs_out(opened, state, clock, fates):
    state.acquire("apply (ann)")
    fates[1] = Fate.UNKNOWN

    clock.sleep(59)
    with pytest.raises(StateLocked):
        opened(2).acquire("apply (ben)")
    clock.sleep(1)
    assert opened(2).acquire("apply (ben)")


def test_a_paused_holder_that_was_not_overtaken_goes_on(state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(3600)

    state.edit(lease, "link", Effects())
    assert state.renew(lease).expires == clock.now() + timedelta(seconds=60)


def test_the_check_before_a_write_is_sent_passes_while_the_lease_runs(state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(59)

    state.check(lease)


def test_the_check_before_a_write_is_sent_refuses_a_lease_that_ran_out(state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(60)

    with pytest.raises(StateLocked, match="not renewed in time"):
        state.check(lease)
    state.renew(lease)
    state.check(lease)


def test_the_check_before_a_write_is_sent_refuses_a_lease_that_was_taken(opened, state):
    lease = state.acquire("apply (ann)")
    opened(2).acquire("apply (ben)", reason="stolen laptop")

    with pytest.raises(StateLocked, match=r"apply \(ben\) \(host host-1, process 2\) took it over at"):
        state.check(lease)


def test_the_check_before_a_write_is_sent_refuses_where_there_is_no_state(opened, state, tmp_path):
    lease = state.acquire("apply (ann)")

    with pytest.raises(StateLocked, match="is gone"):
        opened(1, tmp_path / "other.sqlite").check(lease)


def test_a_forced_lock_is_recorded_with_its_reason_and_with_whom_it_was_taken_from(opened, state):
    state.acquire("apply (ann)")
    opened(2).acquire("apply (ben)", reason="stolen laptop")

    (line,) = state.audit()
    assert (line.kind, line.data) == (
        "lock",
        {
            "how": "forced",
            "reason": "stolen laptop",
            "by": {"holder": "apply (ben)", "host": "host-1", "pid": 2},
            "from": {
                "holder": "apply (ann)",
                "host": "host-1",
                "pid": 1,
                "since": "2026-11-20T12:00:00+00:00",
                "expires": "2026-11-20T12:01:00+00:00",
            },
        },
    )


def test_a_dead_holders_lock_is_recorded_as_taken_over(opened, state, fates):
    state.acquire("apply (ann)")
    fates[1] = Fate.DEAD
    opened(2).acquire("apply (ben)")

    assert [(line.kind, line.data["how"]) for line in state.audit()] == [("lock", "taken over")]


def test_a_free_lock_is_taken_without_a_word_in_the_journal_even_with_a_reason(state):
    state.release(state.acquire("apply (ann)"))
    state.acquire("apply (ann)", reason="to be sure")

    assert list(state.audit()) == []


def test_the_holder_is_shown_until_the_lock_is_given_back(state, clock):
    assert state.holder() is None
    lease = state.acquire("apply (ann)")
    clock.sleep(3600)
    assert state.holder() == lease

    state.release(lease)
    assert state.holder() is None


def test_a_lock_given_back_twice_is_free(opened, state):
    lease = state.acquire("apply (ann)")
    state.release(lease)
    state.release(lease)

    assert opened(2).acquire("apply (ben)").token == lease.token + 1


def test_a_lock_outlives_its_store_when_it_is_closed_without_giving_it_back(opened, state):
    state.acquire("apply (ann)")
    state.close()

    with pytest.raises(StateLocked):
        opened(2).acquire("apply (ben)")


def test_a_closed_store_is_not_used_again(state):
    lease = state.acquire("apply (ann)")
    state.close()

    with pytest.raises(StateError, match="was closed"):
        state.renew(lease)
    with pytest.raises(StateError, match="was closed"):
        state.load()


HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from engine.state.sqlite import SqlState

class Now:
    def now(self):
        return datetime.now(UTC)

SqlState(Path(sys.argv[1]), clock=Now(), lease_seconds=3600).acquire("apply (ann)")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_loses_its_lock_at_once_and_a_living_one_does_not(path, clock):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, os.fspath(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with SqlState(path, clock=clock) as state:
            with pytest.raises(StateLocked, match=rf"apply \(ann\) .* process {holder.pid}\b"):
                state.acquire("apply (ben)")
            holder.kill()
            holder.wait()
            state.acquire("apply (ben)")

            assert [line.data["how"] for line in state.audit()] == ["taken over"]


def test_a_lock_whose_row_was_taken_out_is_free_and_its_old_holder_writes_nothing_more(state, opened, path):
    lease = state.acquire("apply (ann)")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DELETE FROM lock")
    connection.close()

    assert opened(2).holder() is None
    with pytest.raises(StateLocked):
        state.check(lease)
    taken = opened(2).acquire("apply (ben)")
    assert taken.token > lease.token + 1000
    with pytest.raises(StateLocked, match="ben"):
        state.edit(lease, "link", Effects())
