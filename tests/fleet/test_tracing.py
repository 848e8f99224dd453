"""Traces of runs: received on loopback by a server that reads OpenTelemetry's protocol."""

import os
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from trueup.errors import EngineError
from trueup.fleet import tracing
from trueup.fleet.tracing import recording, require_libraries, span

RUN = """
import sys
from concurrent.futures import ThreadPoolExecutor
import httpx
from trueup.fleet.tracing import recording, span

with recording(), span("run", tenant="acme", run=3) as set_values:
    with span("plan"), ThreadPoolExecutor(1) as pool, httpx.Client() as client:
        pool.submit(client.get, sys.argv[1] + "/accounts?$filter=name eq 'Dunmore'").result()
    set_values(status="done", calls=1)
    try:
        with span("apply"):
            raise RuntimeError("of Dunmore")
    except RuntimeError:
        pass
"""


@contextmanager
def receiver():
    """Yields an address, and the bodies and headers of what is sent to it."""
    bodies, headers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer()

        def do_GET(self):
            headers.append(dict(self.headers))
            self.answer()

        def answer(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies, headers
        server.shutdown()


def spans_of(bodies):
    found = {}
    for body in bodies:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                found |= {one.name: one for one in scope.spans}
    return found


def attributes(one):
    return {item.key: item.value.string_value or item.value.int_value for item in one.attributes}


def test_a_run_its_plan_and_its_requests_are_one_trace_without_what_selects_rows():
    with receiver() as (address, bodies, headers):
        env = {**os.environ, tracing.RECEIVERS[0]: address, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        command = [sys.executable, "-c", RUN, address]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    spans = spans_of(bodies)
    run, plan, request = spans["run"], spans["plan"], spans["GET"]
    assert (plan.parent_span_id, request.parent_span_id) == (run.span_id, plan.span_id)
    assert run.trace_id == plan.trace_id == request.trace_id
    about = attributes(run)
    assert (about["trueup.tenant"], about["trueup.run"], about["trueup.status"]) == (
        *("acme", 3, "done"),
    )
    assert spans["apply"].status.message == "RuntimeError"
    assert f"{address}/accounts" in attributes(request).values()
    assert b"Dunmore" not in b"".join(bodies)
    assert not [name for name in headers[0] if name.lower() in {"traceparent", "tracestate"}]


def test_without_a_receiver_nothing_is_recorded_and_no_library_is_loaded(monkeypatch):
    for name in tracing.RECEIVERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with recording(), span("run", tenant="acme") as set_values:
        set_values(status="done")


def test_a_receiver_without_the_libraries_is_an_error_that_names_what_to_install(monkeypatch):
    monkeypatch.setenv(tracing.RECEIVERS[0], "http://127.0.0.1:9")
    for name in ("opentelemetry", "opentelemetry.instrumentation"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(EngineError, match=r"pip install 'trueup\[otel\]'"):
        require_libraries()
