"""Traces of runs for OpenTelemetry, if the extra `otel` is installed and a receiver is set.

The standard variables apply: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) names the
receiver. Without it nothing is recorded, and the libraries are not loaded.

A run is a span. Its plan and apply are spans below it, and each request to a system is a span below
these. Spans hold the tenant, the run, counts and sums. No span holds the name of a customer, the
content of a request, or the part of an address that selects rows.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from trueup.errors import EngineError
from trueup.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.instrumentation.httpx import RequestInfo
    from opentelemetry.trace import Span

RECEIVERS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

INSTALL = "pip install 'trueup[otel]'"

Value = str | int | float | bool
SetValues = Callable[..., None]
"""Adds values to a span: `set_values(status="done", calls=12)`."""

_ADDRESS = ("url.full", "http.url")  # attributes with a request's address, new and old
_FLUSH = 5_000  # milliseconds for sending the last spans


def is_wanted() -> bool:
    """Returns whether the environment names a receiver."""
    return any(os.environ.get(name) for name in RECEIVERS)


def require_libraries() -> None:
    """Raises EngineError if traces are configured and the libraries are missing."""
    if not is_wanted():
        return
    try:
        is_there = find_spec("opentelemetry.instrumentation.httpx")
    except ModuleNotFoundError:  # a parent package is missing
        is_there = None
    if not is_there:
        raise EngineError(f"{RECEIVERS[0]} is set, and traces need `{INSTALL}`")


@contextmanager
def recording() -> Iterator[None]:
    """Records spans of this process inside the block, and sends them before the block ends."""
    if not is_wanted():
        yield
        return
    from opentelemetry import propagate, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = Resource.create({"service.name": "trueup", "service.version": VERSION})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(
        CompositePropagator([])
    )  # Autotask and Dataverse get no trace headers
    ThreadingInstrumentor().instrument()  # requests are sent by other threads
    HTTPXClientInstrumentor().instrument(request_hook=_shorten_address)
    try:
        yield
    finally:
        provider.force_flush(_FLUSH)
        provider.shutdown()


@contextmanager
def span(name: str, **about: Value) -> Iterator[SetValues]:
    """Records the block as one span with these attributes; yields a function that adds more."""
    if not is_wanted():
        yield _ignore
        return
    from opentelemetry import trace

    # The text of an error may hold a name or more: an error is recorded by its kind alone.
    start = trace.get_tracer("trueup").start_as_current_span
    with start(name, record_exception=False, set_status_on_exception=False) as current:

        def set_values(**values: Value) -> None:
            current.set_attributes({f"trueup.{key}": value for key, value in values.items()})

        set_values(**about)
        try:
            yield set_values
        except BaseException as error:
            current.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _ignore(**_: Value) -> None:
    """Does nothing, because nothing is recorded."""


def _shorten_address(current: "Span", request: "RequestInfo") -> None:
    """Removes the query of the address, which may hold the name of a customer."""
    _, url, *_ = request
    address = str(url).partition("?")[0]
    current.set_attributes(dict.fromkeys(_ADDRESS, address))
