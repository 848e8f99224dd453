"""Requests of this process to a sandbox of this process go without a socket.

A request over loopback costs about 2 ms of CPU in both ends together, and a plan of a few rows
sends dozens. Client, requests, answers and sandbox are the same; HTTP is left out. What a network
may do to them is the subject of tests/target, tests/sandbox, tests/ports and tests/chaos, which use
sockets.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from trueup.sandbox.autotask import server
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.http.request import Request
from trueup.target.autotask import transport
from trueup.target.autotask.metadata import Metadata
from trueup.target.autotask.transport import InProcess

CLIENT = "127.0.0.1"


class Shortcut:
    """Lets the sandbox at an address answer; requests to other addresses go over the network."""

    def __init__(self, sandboxes: dict[str, Sandbox]) -> None:
        self._sandboxes = sandboxes

    def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """What the client of Autotask gets: status, headers and body."""
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        sandbox = self._sandboxes.get(base)
        if sandbox is None:
            with httpx.Client(trust_env=False) as network:
                sent = network.request(method, url, headers=dict(headers), content=body)
            return sent.status_code, sent.headers, sent.content
        asked = Request(method, parts.path, parts.query, headers, body, base)
        answer = sandbox.answer(asked, CLIENT)
        if answer.drop_connection or answer.content_length is not None or answer.restart:
            raise AssertionError(f"only a socket can do this: {answer.fault}")
        return answer.status, {"Content-Type": answer.content_type, **answer.headers}, answer.body


@contextmanager
def sandboxes_in_process() -> Iterator[None]:
    """Inside, clients of Autotask reach the sandboxes of this process without a socket."""
    sandboxes: dict[str, Sandbox] = {}
    enter, close, connect = Sandbox.__enter__, Sandbox.close, transport.Transport.__init__

    def entered(sandbox: Sandbox) -> Sandbox:
        sandboxes[sandbox.url] = sandbox
        return enter(sandbox)

    def closed(sandbox: Sandbox) -> None:
        sandboxes.pop(sandbox.url, None)
        close(sandbox)

    def connected(of: Any, *given: Any, network: Any = None, **more: Any) -> None:
        connect(of, *given, network=network or InProcess(Shortcut(sandboxes).answer), **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sandbox, "__enter__", entered)
        patch.setattr(Sandbox, "close", closed)
        patch.setattr(transport.Transport, "__init__", connected)
        yield


class KeptSandboxes:
    """Sandboxes that stay open for further plans and runs, with the metadata that was read."""

    def __init__(self) -> None:
        self._open: dict[Path, Sandbox] = {}
        self._metadata: dict[tuple[str, str, str], object] = {}

    def at(self, database: Path, *given: Any, **more: Any) -> "Kept":
        """As `Sandbox`; a database that is open is not opened again."""
        if database not in self._open:
            self._open[database] = Sandbox(database, *given, **more).__enter__()
        return Kept(self._open[database])

    def forget_metadata(self) -> None:
        """A setting of a tenant has changed."""
        self._metadata.clear()

    def close(self, database: Path | None = None) -> None:
        """Closes the sandbox of a database, or all."""
        for path in [*self._open] if database is None else {database} & self._open.keys():
            self._open.pop(path).close()
        self._metadata.clear()

    def read_once(self, read: Callable[..., object]) -> Callable[..., object]:
        """`Metadata._read`, which asks each sandbox once."""

        def once(of: Metadata, name: str, route: str, parse: Callable[[object], object]) -> object:
            key = of._client.zone().root, name, route
            if key not in self._metadata:
                self._metadata[key] = read(of, name, route, parse)
            return self._metadata[key]

        return once


class Kept:
    """A sandbox that stays open at the end of a block."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __enter__(self) -> Sandbox:
        return self._sandbox

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


KEPT = KeptSandboxes()


@contextmanager
def sandboxes_kept() -> Iterator[None]:
    """Inside, a sandbox that a project opens stays open until the block ends, or is closed."""
    with sandboxes_in_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "Sandbox", KEPT.at)
        patch.setattr(Metadata, "_read", KEPT.read_once(Metadata._read))
        try:
            yield
        finally:
            KEPT.close()
