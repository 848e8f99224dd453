"""What is recorded of a run that was cut short, by its worker or by its own process."""

import os
from datetime import UTC, datetime
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from trueup.fleet import run_process
from trueup.fleet.abnormal_end import abnormal_end
from trueup.fleet.child import ChildEnd
from trueup.fleet.connection import connect
from trueup.model.fleet_run import Again, FleetRunStatus, RunEnd

from tests.support.fleet import fleet, tenant

LATER = Again(datetime(2026, 11, 15, 9, tzinfo=UTC), "its state was locked", is_retry=False)


@pytest.mark.parametrize(
    ("end", "status", "is_retry"),
    [
        (ChildEnd.TOO_LONG, FleetRunStatus.TOO_LONG, True),
        (ChildEnd.STOPPED, FleetRunStatus.INTERRUPTED, False),
        (ChildEnd.AWAY, FleetRunStatus.INTERRUPTED, False),
        (ChildEnd.CRASHED, FleetRunStatus.FAILED, True),
    ],
)
def test_what_a_worker_records_for_a_process_that_did_not(end, status, is_retry):
    found = abnormal_end(end, tenant("acme"))

    assert (found.status, found.again.is_retry) == (status, is_retry)


@pytest.mark.parametrize("end", [ChildEnd.RECORDED, ChildEnd.BUSY])
def test_an_end_that_another_process_records_gives_none(end):
    assert abnormal_end(end, tenant("acme")) is None


@pytest.fixture
def recorded(monkeypatch):
    """What a process records of its run."""
    ends = []
    monkeypatch.setattr(run_process, "end_run", lambda *given: ends.append(given[-1]))
    monkeypatch.setattr(run_process, "leave_run", lambda *_given: ends.append("left"))

    def record(end, *, stop_reason=ChildEnd.STOPPED, is_gone=False):
        order: Any = SimpleNamespace(
            run=1, worker="worker", tenant="acme", fleet=fleet([tenant("acme")])
        )
        worker: Any = SimpleNamespace(stop_reason=stop_reason, is_gone=is_gone)
        run_process._record(None, order, end, worker)
        return ends.pop()

    return record


def test_a_run_that_ended_gently_at_its_time_limit_is_tried_again_as_a_failure(recorded):
    found = recorded(
        RunEnd(FleetRunStatus.INTERRUPTED, state_run="ab12"), stop_reason=ChildEnd.TOO_LONG
    )

    assert (found.status, found.again.is_retry) == (FleetRunStatus.TOO_LONG, True)
    assert found.text.startswith("ended at its time limit of 300 s")
    assert found.state_run == "ab12"


def test_a_run_that_was_done_before_the_limit_reached_it_is_done(recorded):
    assert (
        recorded(RunEnd(FleetRunStatus.DONE), stop_reason=ChildEnd.TOO_LONG).status
        is FleetRunStatus.DONE
    )


def test_a_run_whose_worker_is_gone_is_left_to_the_next_one(recorded):
    assert recorded(RunEnd(FleetRunStatus.INTERRUPTED), is_gone=True) == "left"
    assert recorded(RunEnd(FleetRunStatus.DONE), is_gone=True).status is FleetRunStatus.DONE


def test_a_run_without_a_request_to_stop_keeps_its_own_reason(recorded):
    locked = RunEnd(FleetRunStatus.INTERRUPTED, "its state is locked", again=LATER)

    assert recorded(locked, stop_reason=None) == locked


@pytest.fixture
def ended(monkeypatch):
    """Waits until the process would have ended; False where it would not."""
    at = Event()
    monkeypatch.setattr(os, "_exit", lambda _code: at.set())
    return at


class SentEnds(list):
    """The ends that the process sends to its worker."""

    send = list.append


def test_a_process_that_lost_its_tenant_ends_although_it_was_requested_to_stop(url, ended):
    connection, over, stop = connect(url), Event(), Event()
    stop.set()
    sent = SentEnds()
    given = (connection, over, stop, sent, 0.01)
    watching = Thread(target=run_process._watch, args=given, daemon=True)
    watching.start()
    assert not ended.is_set()

    with connect(url) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])

    assert ended.wait(60)
    watching.join()
    assert sent == [ChildEnd.AWAY]
    connection.close()


def test_a_process_whose_run_is_over_is_left_alone(url, ended):
    connection, over = connect(url), Event()
    given = (connection, over, Event(), SentEnds(), 0.01)
    watching = Thread(target=run_process._watch, args=given)
    watching.start()

    over.set()
    connection.close()
    watching.join()

    assert not ended.is_set()
