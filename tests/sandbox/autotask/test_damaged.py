"""A damaged database: every use is refused with what to do, and no request ends the server."""

import sqlite3
from contextlib import closing, suppress
from random import Random

import pytest
from trueup.errors import SandboxError
from trueup.sandbox.autotask import seed, snapshots
from trueup.sandbox.autotask.dump import dump_database

from tests.support.sandbox_client import SandboxClient

REMEDY = "put a copy back, or move it away and begin with a new one"


@pytest.fixture
def database(sandbox):
    """The file of a sandbox that was stopped."""
    file = sandbox.store.path
    sandbox.close()
    return file


def edit(database, statement, *values):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement, values)
        connection.commit()


def flipped(content, random, bits):
    content = bytearray(content)
    for _ in range(bits):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(content)


@pytest.mark.parametrize("bits", [1, 10, 200, 3000])
def test_flipped_bits_are_never_a_fault_of_trueup(
    database, entities, open_sandbox, tmp_path, bits, capfd
):
    content = database.read_bytes()
    for number in range(8):
        file = tmp_path / f"damaged-{bits}-{number}.sqlite"
        file.write_bytes(flipped(content, Random(f"{bits} {number}"), bits))
        for work in (
            lambda file=file: seed.seed(file, entities, {"records": {"Companies": [{"id": 9}]}}),
            lambda file=file: seed.reset(file, entities),
            lambda file=file: dump_database(file, entities),
            lambda file=file: snapshots.snapshot(file, tmp_path / "snapshot.sqlite"),
            lambda file=file: _requests(open_sandbox(database=file)),
        ):
            with suppress(SandboxError):
                work()

    assert "Traceback" not in capfd.readouterr().err


def _requests(sandbox):
    api = SandboxClient(sandbox.url)
    for entity in ("Companies", "Contracts", "ContractServiceUnits"):
        reply = api.post(f"{entity}/query", {"filter": [{"op": "exist", "field": "id"}]})
        assert reply.status in {200, 401, 404, 500}
    sandbox.close()


def test_a_page_that_is_damaged_is_named_with_what_to_do(database, entities):
    content = bytearray(database.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    database.write_bytes(bytes(content))

    with pytest.raises(SandboxError, match="cannot be used"):
        seed.seed(database, entities, {})


def test_a_setting_that_no_sandbox_wrote_is_named_with_what_to_do(database, entities, open_sandbox):
    edit(database, "INSERT OR REPLACE INTO _settings VALUES ('users', '5')")

    with pytest.raises(SandboxError, match=f"did not write: {REMEDY}"):
        open_sandbox(database=database)


def test_a_request_that_meets_a_damaged_value_is_answered_and_the_server_goes_on(
    database, open_sandbox, capfd
):
    edit(database, "UPDATE Contracts SET startDate = x'ff' WHERE id = 400")
    edit(database, "UPDATE Companies SET phone = CAST(x'ff' AS TEXT) WHERE id = 100")
    api = SandboxClient(open_sandbox(database=database).url)

    answer = api.get("Companies/100")

    assert answer.status == 500
    assert "cannot be used" in answer.errors
    assert api.get("Companies/101").status == 200
    assert "Traceback" not in capfd.readouterr().err
