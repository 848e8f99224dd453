"""What a worker shows to whoever watches over it."""

import socket

import httpx
import pytest
from trueup.errors import EngineError
from trueup.fleet import health
from trueup.fleet.health import Pulse, serving
from trueup.fleet.metrics import WorkerMetrics


@pytest.fixture
def pulse():
    return Pulse()


@pytest.fixture
def ask(pulse):
    with (
        serving("127.0.0.1", 0, pulse, WorkerMetrics(lambda: None)) as address,
        httpx.Client(base_url=address) as client,
    ):
        yield client.get


def test_a_worker_is_alive_from_its_start_and_ready_when_it_takes_jobs(ask, pulse):
    assert (ask("/healthz").status_code, ask("/readyz").status_code) == (200, 503)

    pulse.beat(is_ready=True)
    assert ask("/readyz").text == "ok\n"

    pulse.beat(is_ready=False)
    assert (ask("/healthz").status_code, ask("/readyz").text) == (200, "the database is away\n")


def test_a_loop_that_does_not_turn_any_more_is_neither(ask, pulse, monkeypatch):
    pulse.beat(is_ready=True)
    monkeypatch.setattr(health, "STUCK", -1.0)

    assert ask("/healthz").status_code == 503
    assert ask("/readyz").status_code == 503


def test_metrics_are_served_as_prometheus_reads_them(ask):
    answer = ask("/metrics?name[]=up")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE trueup_worker_runs_total counter" in answer.text


def test_there_is_nothing_else(ask):
    assert ask("/").status_code == 404


def test_a_port_that_is_taken_is_an_error_that_names_it(pulse):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(EngineError, match=f"127.0.0.1:{port} cannot be listened on"),
            serving("127.0.0.1", port, pulse, WorkerMetrics(lambda: None)),
        ):
            pass
