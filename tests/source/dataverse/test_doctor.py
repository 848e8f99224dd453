"""The doctor reports whether the application user may do what a project needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trueup.model.finding import Severity
from trueup.sandbox.dataverse.schema import Quirks
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.sandbox.dataverse.web_api import WebApi
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.doctor import examine
from trueup.source.dataverse.errors import DataverseRefused, DataverseUnavailable

from tests.support.dataverse_world import (
    CHANGE_TABLE,
    COLUMNS,
    TABLES,
    DataverseWorld,
    environment,
    license_change,
)

ROWS = {"license_change": [license_change(1), license_change(2, status="Archived")]}
READ = {"license_change": COLUMNS, "account": ("name", "phone")}
WRITTEN = {"license_change": ("status",)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path)


def examined(world: DataverseWorld, **needs: Any) -> list[tuple[str, Severity, str]]:
    with world.source() as source:
        findings = examine(
            source.client, world.profile, needs.get("read", READ), needs.get("written", WRITTEN)
        )
    return [(finding.code, finding.severity, finding.text) for finding in findings]


def test_the_doctor_reports_good_checks_and_the_needed_role(world: DataverseWorld):
    findings = examined(world)
    role = "the role of the application user needs Read at organisation level on"

    assert {severity for _, severity, _ in findings} == {Severity.INFO}
    assert [text for _, _, text in findings[1:]] == [
        "license_change: all rows can be read",
        "license_change: changes are tracked",
        "license_change: optimistic concurrency is on",
        "license_change: our user may write back",
        "account: all rows can be read",
        "account: changes are tracked",
        f"{role} Account, License Change Log; Write on License Change Log",
    ]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            lambda sandbox: sandbox.api.denied.add(f"prvRead{CHANGE_TABLE}"),
            "source-read",
            "license_change: our user may not read it",
        ),
        (
            lambda sandbox: sandbox.api.shallow.add(f"prvRead{CHANGE_TABLE}"),
            "source-read",
            "license_change: our user reads own rows only; the others would look deleted",
        ),
        (
            lambda sandbox: sandbox.api.denied.add(f"prvWrite{CHANGE_TABLE}"),
            "source-write",
            "license_change: our user may not write back",
        ),
        (
            lambda sandbox: sandbox.definitions.pop(CHANGE_TABLE),
            "source-names",
            "has no table `work365_licensechangelog`",
        ),
    ],
)
def test_the_doctor_reports_what_prevents_a_run(
    world: DataverseWorld, change, code: str, text: str
):
    change(world.sandbox)

    errors = [each for each in examined(world) if each[1] is Severity.ERROR]

    assert [each[0] for each in errors] == [code]
    assert text in errors[0][2]


def test_the_doctor_warns_of_an_id_column_without_an_entity(tmp_path: Path):
    quirks = Quirks(untracked=frozenset({CHANGE_TABLE}), unguarded=frozenset({CHANGE_TABLE}))
    with DataverseSandbox(TABLES, ROWS, environment(quirks=quirks)) as sandbox:
        findings = examined(
            DataverseWorld(sandbox, tmp_path),
            written={"license_change": ("status", "psa_system_id")},
        )
        log_only = examined(
            DataverseWorld(sandbox, tmp_path),
            read={"subscription": ("name",)},
            written={"subscription": ("psa_system_id",)},
        )

    assert [text for _, severity, text in findings if severity is Severity.ERROR] == [
        "table license_change has no column `psa_system_id`"
    ]
    assert [text for _, severity, text in log_only if severity is Severity.WARNING] == [
        (
            "the profile does not state which Autotask id subscription.psa_system_id holds; it "
            "is not written"
        )
    ]


def test_the_doctor_warns_of_tables_without_tracking_or_concurrency(tmp_path: Path):
    quirks = Quirks(untracked=frozenset({CHANGE_TABLE}), unguarded=frozenset({CHANGE_TABLE}))
    with DataverseSandbox(TABLES, ROWS, environment(quirks=quirks)) as sandbox:
        findings = examined(DataverseWorld(sandbox, tmp_path))

    assert [text for _, severity, text in findings if severity is Severity.WARNING] == [
        "license_change: changes are not tracked, so each plan reads the whole table",
        (
            "license_change: no optimistic concurrency; a change in the same second as ours "
            "may be overwritten"
        ),
    ]


@pytest.mark.parametrize("name", ["tenant", "client_id", "client_secret"])
def test_the_doctor_stops_without_a_token(world: DataverseWorld, name: str):
    world.access = {name: "another"}

    findings = examined(world)

    assert [(code, severity) for code, severity, _ in findings] == [
        ("source-token", Severity.ERROR)
    ]


def test_the_doctor_goes_on_if_no_row_can_be_read(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    get = DataverseClient.get

    def lost(client: DataverseClient, path: str, what: str, *rest: Any) -> object:
        if "Privileges" in path and path.startswith("systemusers"):
            raise DataverseRefused("no right", status=403)
        if path.endswith("&$top=1"):
            raise DataverseUnavailable(f"{what}: no answer (ReadTimeout)")
        return get(client, path, what, *rest)

    monkeypatch.setattr(DataverseClient, "get", lost)

    findings = examined(world)

    assert [text for code, _, text in findings if code == "source-read"] == [
        "license_change: reading license_change: no answer (ReadTimeout)",
        "account: reading account: no answer (ReadTimeout)",
    ]
    assert findings[-1][0] == "source-role"


def test_the_doctor_reads_one_row_if_privileges_cannot_be_requested(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    user = WebApi._user
    monkeypatch.setattr(
        WebApi,
        "_user",
        lambda self, path, request: None if "Privileges" in path else user(self, path, request),
    )

    assert [text for code, _, text in examined(world) if code == "source-read"] == [
        (
            "license_change: it can be read; whether all rows can be read is unknown, because "
            "the user's privileges cannot be requested"
        ),
        (
            "account: it can be read; whether all rows can be read is unknown, because the "
            "user's privileges cannot be requested"
        ),
    ]
