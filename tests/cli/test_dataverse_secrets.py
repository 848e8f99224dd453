"""A project whose Work 365 is a Dataverse keeps its secret out of all its output and files."""

from pathlib import Path

import httpx
import pytest
from trueup.operations.project import load_project
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.source.dataverse.tokens import Tokens
from trueup.source.files.source import FileSource

SECRET = "not-to-be-told-4711"  # noqa: S105 -- to be looked for


@pytest.fixture
def dataverse(work, read_from, monkeypatch):
    """The example's Work 365 as a Dataverse, and the project pointed at it."""
    project = load_project(work)
    tables = project.catalogue.tables
    given = FileSource(work / "examples" / "work365", tables, "exports", zone=project.zone)
    rows = {name: given.read(name, table.columns).rows for name, table in tables.items()}
    monkeypatch.setenv("DATAVERSE_SECRET", SECRET)
    with DataverseSandbox(
        tables, rows, Environment(client_secret=SECRET, zone=project.zone)
    ) as served:
        read_from(served.url, "{{ env.DATAVERSE_SECRET }}")
        yield served


def test_neither_secret_nor_token_is_in_a_file_or_in_output(trueup, work, dataverse):
    outputs = [
        trueup("plan", "--out", "plan.json", "-v"),
        trueup("apply", "plan.json", "--yes", "-v"),
    ]
    dataverse.api.denied.add("prvReadaccount")
    dataverse.revoke_tokens()
    outputs += [trueup("doctor"), trueup("doctor", "--json"), trueup("history")]
    dataverse.token_endpoint.client_secret = "another"  # noqa: S105 -- a test's
    outputs.append(trueup("plan"))

    assert [code for code, _, _ in outputs][:2] == [0, 0]
    assert outputs[-1][0] == 1
    tokens = {
        request.headers.get("authorization", "").removeprefix("Bearer ")
        for request in dataverse.requests
    }
    every = [file.read_bytes() for file in work.rglob("*") if file.is_file()]
    every += [f"{out}{err}".encode() for _, out, err in outputs]
    assert any(b"Archived" in text for text in every)
    assert not [
        hidden
        for hidden in {SECRET, *tokens} - {""}
        if any(hidden.encode() in text for text in every)
    ]


def test_a_full_load_is_reported_with_its_reason_beside_the_plan_and_not_in_it(trueup, dataverse):
    assert trueup("plan", "--out", "first.json")[0] == 0
    httpx.post(
        f"{dataverse.url}/sandbox/clock", json={"advance": 8 * 24 * 3600}, trust_env=False
    ).raise_for_status()
    code, out, err = trueup("plan", "--json")
    assert code == 0
    assert "full load, because the change token was refused: " in err
    assert "full load" not in out
    assert Path("first.json").read_text() == out


def test_a_fresh_plan_loads_each_table_in_full_once(trueup, dataverse):
    def full_loads(*options):
        dataverse.requests.clear()
        assert trueup("plan", *options)[0] == 0
        return [
            request.path
            for request in dataverse.requests
            if "track-changes" in request.headers.get("prefer", "")
        ]

    first, used, fresh = full_loads(), full_loads(), full_loads("--fresh")

    assert (used, fresh) == ([], first)
    assert len({*first}) == len(first) > 0


def test_why_there_is_no_token_names_the_address_as_it_was_given(trueup, dataverse, monkeypatch):
    monkeypatch.setattr(Tokens, "_application", _as_msal_says)
    code, _, err = trueup("plan")
    assert (code, "https://127" in err, f"no authority at {dataverse.url}" in err) == (
        1,
        False,
        True,
    )


def _as_msal_says(tokens):
    raise ValueError(f"no authority at https://{tokens._login.authority.partition('://')[2]}")
