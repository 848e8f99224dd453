"""Connects clients of this process to a sandbox of this process without a socket.

A request over loopback costs about 2 ms of CPU in both ends together, and a plan of a few rows
sends dozens. Client, requests, answers and sandbox are the same; HTTP is left out. The effects of a
network are the subject of tests/target, tests/sandbox, tests/ports and tests/chaos, which use
sockets.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
import pytest
from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import server
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.sqlite_files import create_private
from trueup.target.autotask import transport
from trueup.target.autotask.metadata import Metadata
from trueup.target.autotask.transport import InProcess

CLIENT = "127.0.0.1"

_patches: list[pytest.MonkeyPatch] = []
"""What the contexts below have replaced in this process, in their order."""


@contextmanager
def _patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        _patches.append(patch)
        try:
            yield patch
        finally:
            _patches.remove(patch)


def use_sockets() -> None:
    """Ends all shortcuts in this process, which was forked inside one of the contexts below."""
    for patch in reversed(_patches):
        patch.undo()


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

    with _patched() as patch:
        patch.setattr(Sandbox, "__enter__", entered)
        patch.setattr(Sandbox, "close", closed)
        patch.setattr(transport.Transport, "__init__", connected)
        yield


class KeptSandboxes:
    """Sandboxes that stay open for further plans and runs.

    What tenants of the same settings answer about their metadata, and the databases of the same
    seed, are made once in a process.
    """

    def __init__(self) -> None:
        self._open: dict[Path, Sandbox] = {}
        self._metadata: dict[tuple[object, ...], object] = {}
        self._databases: dict[tuple[int, bytes], bytes] = {}
        self._catalogues: list[tuple[Mapping[str, Entity], int]] = []  # with what is in a key
        self._settings: dict[Sandbox, tuple[int, object]] = {}  # with their version
        self._asked: set[tuple[Sandbox, object]] = set()  # by sandbox, what was asked of it
        self._readers: WeakKeyDictionary[Metadata, tuple[Sandbox | None, tuple[object, ...]]] = (
            WeakKeyDictionary()
        )

    def at(
        self, database: Path, entities: Mapping[str, Entity], *, seed: Path | None = None
    ) -> "Kept":
        """As `Sandbox`; a database that is open is not opened again."""
        if database not in self._open:
            is_new = not database.exists()
            key = self._id(entities), seed.read_bytes() if seed else b""
            if is_new and key in self._databases:
                create_private(database)
                database.write_bytes(self._databases[key])
            sandbox = Sandbox(database, entities, seed=seed).__enter__()
            if is_new and key not in self._databases:
                self._databases[key] = _content(sandbox)
            self._open[database] = sandbox
        return Kept(self._open[database])

    def close(self, database: Path | None = None) -> None:
        """Closes the sandbox of a database, or all."""
        for path in [*self._open] if database is None else {database} & self._open.keys():
            sandbox = self._open.pop(path)
            self._settings.pop(sandbox, None)
            self._asked = {one for one in self._asked if one[0] is not sandbox}
            sandbox.close()

    def read_once(self, read: Callable[..., object]) -> Callable[..., object]:
        """`Metadata._read`, which asks one of the sandboxes whose settings are the same."""

        def once(of: Metadata, name: str, route: str, parse: Callable[[object], object]) -> object:
            if of not in self._readers:
                self._readers[of] = self._reader_of(of)
            asked, tenant = self._readers[of]
            if asked is None:
                return read(of, name, route, parse)
            key = *tenant, name, route
            if key not in self._metadata:
                self._metadata[key] = read(of, name, route, parse)
            elif (asked, key) not in self._asked:
                of._client._sender.budget.take()  # a plan states how many calls it made
            self._asked.add((asked, key))
            return self._metadata[key]

        return once

    def _reader_of(self, metadata: Metadata) -> tuple[Sandbox | None, tuple[object, ...]]:
        """The sandbox that a client reads, and what its metadata depend on.

        Both stay as they are while the client of a plan or a run is open.
        """
        root = metadata._client.zone().root
        asked = next((one for one in self._open.values() if root.startswith(one.url)), None)
        if asked is None:
            return None, ()
        user = metadata._client.reads_as("")
        return asked, (self._id(metadata._catalogue), self._settings_of(asked), user)

    def _settings_of(self, sandbox: Sandbox) -> object:
        """The settings of a tenant that decide what it answers about metadata."""
        version = sandbox.api.tenant().version
        if self._settings.get(sandbox, (None,))[0] != version:
            with sandbox.store.reading() as db:
                found = db.execute(
                    "SELECT * FROM _settings WHERE key NOT IN ('version', 'clock', 'seeded')"
                )
                self._settings[sandbox] = version, hash(tuple(found))
        return self._settings[sandbox][1]

    def _id(self, entities: Mapping[str, Entity]) -> int:
        """The same number for equal catalogues."""
        for known, number in self._catalogues:
            if known is entities:
                return number
        number = next((one for known, one in self._catalogues if known == entities), id(entities))
        self._catalogues.append((entities, number))
        return number


def _content(sandbox: Sandbox) -> bytes:
    """All that is in the database of a sandbox, as one file."""
    with sandbox.store._connection() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sandbox.store.path.read_bytes()


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
    with sandboxes_in_process(), _patched() as patch:
        patch.setattr(server, "Sandbox", KEPT.at)
        patch.setattr(Metadata, "_read", KEPT.read_once(Metadata._read))
        try:
            yield
        finally:
            KEPT.close()
