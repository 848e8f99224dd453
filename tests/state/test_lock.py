"""The lock on one host: which process may take it, what is audited, what a holder can check."""

import subprocess
import sys
from datetime import timedelta

import pytest
from trueup.errors import StateError, StateLocked
from trueup.model.audit import LockTaken
from trueup.model.run import Effects
from trueup.state.process import Fate

from tests.state.stores import EDIT, opened_by
from tests.support.paths import ROOT


def test_the_refusal_names_holder_host_times_and_how_to_force(opened, state):
    state.acquire("apply (ann)")

    with pytest.raises(StateLocked) as refused:
        opened(2).acquire("apply (ben)")

    assert str(refused.value).endswith(
        " is locked by apply (ann) (host host-1, process 1) "
        "since 2026-11-20 12:00:00 UTC; its lease runs until 2026-11-20 12:01:00 UTC. "
        "Wait for it to end, or take the lock over: `trueup apply … --force-lock --reason WHY`"
    )


def test_the_lock_of_a_dead_holder_is_taken_over_at_once(opened, state, fates):
    lease = state.acquire("apply (ann)")
    fates[1] = Fate.DEAD

    taken = opened(2).acquire("apply (ben)")

    assert (taken.token, taken.holder, taken.pid) == (lease.token + 1, "apply (ben)", 2)


def test_a_living_holder_keeps_the_lock_after_its_lease_expired(opened, state, clock):
    state.acquire("apply (ann)")
    clock.sleep(3600)

    with pytest.raises(
        StateLocked, match="expired at 2026-11-20 12:01:00 UTC, but that process is still running"
    ):
        opened(2).acquire("apply (ben)")


def test_a_holder_of_unknown_fate_keeps_the_lock_until_its_lease_expires(
    opened, state, clock, fates
):
    state.acquire("apply (ann)")
    fates[1] = Fate.UNKNOWN

    clock.sleep(59)
    with pytest.raises(StateLocked):
        opened(2).acquire("apply (ben)")
    clock.sleep(1)
    assert opened(2).acquire("apply (ben)")


def test_a_holder_that_kept_the_lock_can_write_after_its_lease_expired(state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(3600)

    state.edit(lease, EDIT, Effects())
    assert state.renew(lease).expires == clock.now() + timedelta(seconds=60)


def test_the_check_passes_while_the_lease_runs(state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(59)

    state.check(lease)


def test_the_check_refuses_an_expired_lease_until_it_is_renewed(state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(60)

    with pytest.raises(StateLocked, match="not renewed in time"):
        state.check(lease)
    state.renew(lease)
    state.check(lease)


def test_the_check_names_the_process_that_took_the_lock(opened, state):
    lease = state.acquire("apply (ann)")
    opened(2).acquire("apply (ben)", reason="stolen laptop")

    with pytest.raises(
        StateLocked, match=r"apply \(ben\) \(host host-1, process 2\) took it over at"
    ):
        state.check(lease)


def test_the_check_refuses_if_there_is_no_state(opened, state):
    lease = state.acquire("apply (ann)")

    with pytest.raises(StateLocked, match="is gone"):
        opened(1, "other").check(lease)


def test_a_forced_takeover_is_audited_with_its_reason_and_the_former_holder(opened, state):
    state.acquire("apply (ann)")
    opened(2).acquire("apply (ben)", reason="stolen laptop")

    (entry,) = state.audit()
    assert (entry.who, entry.host, entry.reason) == ("apply (ben)", "host-1", "stolen laptop")
    assert entry.event == LockTaken("apply (ann)", "host-1", forced=True)


def test_taking_the_lock_of_a_dead_holder_is_not_forced(opened, state, fates):
    state.acquire("apply (ann)")
    fates[1] = Fate.DEAD
    opened(2).acquire("apply (ben)")

    assert [entry.event for entry in state.audit()] == [
        LockTaken("apply (ann)", "host-1", forced=False)
    ]


def test_taking_a_free_lock_is_not_audited_even_with_a_reason(state):
    state.release(state.acquire("apply (ann)"))
    state.acquire("apply (ann)", reason="to be sure")

    assert list(state.audit()) == []


def test_a_lock_that_is_given_back_twice_is_free(opened, state):
    lease = state.acquire("apply (ann)")
    state.release(lease)
    state.release(lease)

    assert opened(2).acquire("apply (ben)").token == lease.token + 1


def test_a_lock_outlives_a_store_that_is_closed_without_giving_it_back(opened, state):
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
from tests.state.stores import opened_by

with opened_by(sys.argv[1:], lease_seconds=3600) as state:
    state.acquire("apply (ann)")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_loses_its_lock_at_once_and_a_living_one_keeps_it(place):
    command = [sys.executable, "-c", HOLD, *place.argument("state")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with opened_by(place.argument("state")) as state:
            with pytest.raises(StateLocked, match=rf"apply \(ann\) .* process {holder.pid}\b"):
                state.acquire("apply (ben)")
            holder.kill()
            holder.wait()
            state.acquire("apply (ben)")

            assert [entry.event.forced for entry in state.audit()] == [False]


def test_a_lock_whose_row_was_deleted_is_free_and_its_old_holder_cannot_write(state, opened, tool):
    lease = state.acquire("apply (ann)")
    tool.run("DELETE FROM lock")

    assert opened(2).holder() is None
    with pytest.raises(StateLocked):
        state.check(lease)
    taken = opened(2).acquire("apply (ben)")
    assert taken.token > lease.token + 1000
    with pytest.raises(StateLocked, match="ben"):
        state.edit(lease, EDIT, Effects())


@pytest.mark.parametrize("column", ["since", "expires"])
@pytest.mark.parametrize(
    "call",
    [
        lambda state, lease: state.check(lease),
        lambda state, _: state.acquire("apply (ben)"),
        lambda state, _: state.acquire("apply (ben)", reason="it hangs"),
        lambda state, _: state.holder(),
    ],
    ids=["check", "acquire", "force", "holder"],
)
def test_a_time_without_an_offset_in_the_lock_is_refused(opened, state, tool, fates, column, call):
    lease = state.acquire("apply (ann)")
    fates[1] = Fate.UNKNOWN
    tool.run(f"UPDATE lock SET {column} = '2026-11-20T12:01:00'")  # noqa: S608 -- constant names

    with pytest.raises(StateError, match="holds a value that trueup did not write: put a copy"):
        call(opened(2), lease)
