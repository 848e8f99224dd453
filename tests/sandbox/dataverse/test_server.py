"""The server: restarts, concurrent requests, faults, addresses in use."""

import threading
from pathlib import Path

import pytest
from trueup.errors import SandboxError
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.sandbox.http.responses import HttpError

from tests.support.dataverse_client import SET, DataverseClient, small_sandbox
from tests.support.dataverse_world import CHANGE_TABLE as LOG
from tests.support.dataverse_world import TABLES, environment, key


def test_rows_and_versions_survive_a_restart_and_are_not_seeded_again(tmp_path: Path):
    path = tmp_path / "dataverse.sqlite"
    with small_sandbox(path) as sandbox:
        sandbox.change(LOG, key(1), work365_lcl_name="kept")
        sandbox.remove(LOG, key(2))
        version = sandbox.store.facts.version
    with small_sandbox(path) as sandbox:
        with DataverseClient(sandbox) as client:
            names = [row["work365_lcl_name"] for row in client.get(SET).json()["value"]]

        assert sorted(names) == ["change 3", "change 4", "change 5", "kept"]
        assert sandbox.store.facts.version == version


def test_concurrent_writes_get_unique_versions(client: DataverseClient):
    def work(number: int) -> None:
        for _ in range(5):
            client.patch(number, {"work365_lcl_name": "x"}, If_Match="*")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    versions = [stored.version for stored in client.sandbox.store.after(LOG, 0, 99, gone=True)]
    assert len(set(versions)) == 5
    assert client.sandbox.store.facts.version >= 25


def test_a_fault_hits_so_many_matching_requests_from_the_nth_on(client: DataverseClient):
    client.sandbox.faults.set(
        {"kind": "error", "verb": "GET", "path": "WhoAmI", "nth": 2, "times": 2}
    )

    statuses = [client.get("WhoAmI").status_code for _ in range(4)]

    assert statuses == [200, 503, 503, 200]
    with pytest.raises(HttpError, match="unauthorized, expired, lost"):
        client.sandbox.faults.set({"kind": "nonsense"})


def test_an_address_in_use_is_an_error(client: DataverseClient):
    port = int(client.sandbox.url.rpartition(":")[2])

    with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"):
        DataverseSandbox(TABLES, {}, environment(), address=("127.0.0.1", port))
