"""Autotask sandboxes over the tenant of `tenant.json`, and clients for them."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from trueup.model.catalogue import Entity
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.autotask.switches import Switches

from tests.support.sandbox_client import SandboxClient
from tests.support.seeded_databases import ENTITIES, database

TENANT = Path(__file__).with_name("tenant.json").read_text(encoding="utf-8")

OpenSandbox = Callable[..., Sandbox]


@pytest.fixture(scope="session")
def entities() -> dict[str, Entity]:
    return ENTITIES


@pytest.fixture
def tenant_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(TENANT)
    return document


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    file = tmp_path / "seed.json"
    file.write_text(TENANT)
    return file


@pytest.fixture
def open_sandbox(
    tmp_path: Path, entities: dict[str, Entity], seed_file: Path
) -> Iterator[OpenSandbox]:
    """Opens sandboxes, all over one database of the tenant unless another is given.

    Those that the test leaves open are closed at its end.
    """
    with ExitStack() as stack:

        def opened(**more: Any) -> Sandbox:
            settings = {"seed": seed_file, "switches": Switches({"hourly_delays": "off"}), **more}
            file = settings.pop("database", tmp_path / "autotask.sqlite")
            if not more and not file.exists():
                file.write_bytes(database(TENANT))  # seeding takes longer than most tests
            return stack.enter_context(Sandbox(file, entities, **settings))

        yield opened


@pytest.fixture
def sandbox(open_sandbox: OpenSandbox) -> Sandbox:
    return open_sandbox()


@pytest.fixture
def api(sandbox: Sandbox) -> SandboxClient:
    """A client with all rights."""
    return SandboxClient(sandbox.url)


@pytest.fixture
def raw() -> Callable[[Sandbox, bytes], bytes]:
    """Sends these bytes to a sandbox and returns the beginning of its answer."""

    def exchange(sandbox: Sandbox, request: bytes) -> bytes:
        address = urlsplit(sandbox.url)
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            connection.sendall(request)
            return connection.recv(1000)

    return exchange


@pytest.fixture
def reader(sandbox: Sandbox) -> SandboxClient:
    """A client whose user may read nearly everything, but not costs and company 100."""
    return SandboxClient(sandbox.url, "reader@tenant.example", "r")
