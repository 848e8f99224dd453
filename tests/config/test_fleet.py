"""fleet.yaml: what becomes of it, and what is wrong with it."""

import re
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.config.fleet import check_fleet, load_fleet
from trueup.errors import ConfigError
from trueup.model.finding import Place, Severity
from trueup.model.fleet import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    Fleet,
    KeyringSecret,
    PolicyLimits,
    RunMode,
    RunPolicy,
    Schedule,
    Window,
)

from tests.config.test_cases import parsed
from tests.support.messages import messages_of
from tests.support.paths import SCHEMAS

GOOD = """\
# yaml-language-server: $schema=schemas/fleet.schema.json
fleet: Northgate, all tenants
database: embedded
defaults:
  project: base
  schedule: {cron: "0 5 * * *", time_zone: Europe/London}
  set: {batch: 100, settings: {fee: 1}}
  secrets:
      API_SECRET: {environment: ACME_SECRET}
tenants:
  acme:
    set: {target: {username: api@acme.example}}
  birch:
    project: customers/birch
    folder: own/birch
    run: {do: apply, within: {changes: 50, monthly_effect: 500, one_off_effect: 100.5}}
    window: {from: "01:00", until: "06:00"}
    time_limit: 60
"""

CASES = Path(__file__).with_name("fleet_cases.txt").read_text(encoding="utf-8")


class Written:
    """A folder with fleet.yaml."""

    def __init__(self, root):
        self.root, self.file = root, root / "fleet.yaml"
        self.file.write_text(GOOD, encoding="utf-8")

    def edit(self, *what):
        *old, new = what
        text = self.file.read_text(encoding="utf-8")
        if old:
            assert text.count(old[0]) == 1, old[0]
            new = text.replace(old[0], new)
        self.file.write_text(new, encoding="utf-8")

    def check(self):
        return check_fleet(self.root, env={}, shipped=SCHEMAS)

    def load(self) -> Fleet:
        return load_fleet(self.root, env={}, shipped=SCHEMAS)

    def messages(self):
        return messages_of(self.check()[1])


@pytest.fixture
def written(tmp_path):
    return Written(tmp_path)


def cases():
    for block in CASES.split("\n== ")[1:]:
        sentence, *lines = block.rstrip("\n").split("\n")
        yield pytest.param(*parsed(lines), id=sentence)


@pytest.mark.parametrize(("edits", "messages"), list(cases()))
def test_every_error_is_reported_with_its_place_and_a_remedy(written, edits, messages):
    for _, *edit in edits:
        written.edit(*edit)

    assert written.messages() == messages


def test_a_fleet_that_is_sound_has_no_findings(written):
    assert written.messages() == []


def test_a_folder_without_the_file_is_reported(tmp_path):
    with pytest.raises(ConfigError, match=r"fleet\.yaml: there is no fleet\.yaml in this folder"):
        load_fleet(tmp_path, env={}, shipped=SCHEMAS)


def test_a_tenant_has_what_the_defaults_say(written):
    fleet = written.load()
    acme = fleet.tenants["acme"]

    assert (fleet.name, fleet.root, fleet.database.is_embedded) == (
        "Northgate, all tenants",
        written.root,
        True,
    )
    assert acme.name == "acme"
    assert acme.project_folder == written.root / "base"
    assert acme.folder == written.root / "tenants" / "acme"
    assert acme.schedule == Schedule(
        "0 5 * * *", ZoneInfo("Europe/London"), Place("fleet.yaml", 6, 20)
    )
    assert acme.run == RunPolicy(RunMode.PLAN)
    assert acme.window is None
    assert acme.time_limit == timedelta(minutes=30)
    assert acme.secrets == {
        "API_SECRET": EnvironmentSecret("ACME_SECRET", Place("fleet.yaml", 9, 7))
    }
    assert acme.place == Place("fleet.yaml", 11, 3)


def test_a_tenant_replaces_what_the_defaults_say(written):
    birch = written.load().tenants["birch"]

    assert birch.project_folder == written.root / "customers" / "birch"
    assert birch.folder == written.root / "own" / "birch"
    assert birch.run == RunPolicy(RunMode.APPLY, PolicyLimits(50, Decimal(500), Decimal("100.5")))
    assert birch.window == Window(time(1), time(6))
    assert birch.time_limit == timedelta(minutes=1)


def test_the_tenants_zone_replaces_that_of_the_defaults_and_keeps_the_cron(written):
    written.edit("  birch:\n", "  birch:\n    schedule: {time_zone: Europe/Zurich}\n")

    schedule = written.load().tenants["birch"].schedule

    assert (schedule.cron, schedule.zone) == ("0 5 * * *", ZoneInfo("Europe/Zurich"))


def test_a_window_is_read_with_its_days_and_until_midnight(written):
    written.edit('until: "06:00"}', 'until: "24:00", days: [mon, sun]}')

    window = written.load().tenants["birch"].window

    assert window == Window(time(1), time(0), frozenset({0, 6}))


def test_what_is_set_is_laid_over_the_defaults_and_keeps_its_places(written):
    written.edit("{username: api@acme.example}}", "{username: api@acme.example}, settings: {a: 2}}")

    over = written.load().tenants["acme"].overrides

    assert over.data == {
        "batch": 100,
        "settings": {"fee": 1, "a": 2},
        "target": {"username": "api@acme.example"},
    }
    assert over.values["target", "username"] == Place("fleet.yaml", 12, 30)
    assert over.keys["settings", "fee"] == Place("fleet.yaml", 7, 32)
    assert over.keys["settings", "a"] == Place("fleet.yaml", 12, 60)


def test_paths_of_what_is_read_are_relative_to_the_file_that_names_them(written):
    written.edit(
        "set: {target: {username: api@acme.example}}",
        "set: {source: {path: exports/acme, profile: /etc/p.yaml},"
        " target: {seed: seed.json, database: kept.sqlite}}",
    )

    data = written.load().tenants["acme"].overrides.data

    assert data["source"]["path"] == "../exports/acme"
    assert (written.root / "base" / data["source"]["profile"]).resolve() == Path("/etc/p.yaml")
    assert data["target"] == {"seed": "../seed.json", "database": "kept.sqlite"}


def test_notices_are_laid_over_those_of_the_project(written):
    written.edit(
        "  birch:\n", '  birch:\n    notify: {to: ["{{ env.BIRCH_MAIL }}"], details: names}\n'
    )

    over = written.load().tenants["birch"].overrides

    assert over.data["notify"] == {"to": ["{{ env.BIRCH_MAIL }}"], "details": "names"}
    assert over.keys["notify", "to"] == Place("fleet.yaml", 14, 14)


def test_each_kind_of_reference_is_read(written):
    written.edit(
        "    set: {target: {username: api@acme.example}}\n",
        """\
    secrets:
      ONE: {environment: ACME}
      TWO: {file: secrets/acme}
      THREE: {keyring: {service: trueup, user: acme}}
      FOUR: {command: [vault, read, acme], timeout: 2.5}
      FIVE: {command: [./five]}
""",
    )

    secrets = written.load().tenants["acme"].secrets

    place = Place("fleet.yaml", 13, 7)
    assert secrets["ONE"] == EnvironmentSecret("ACME", place)
    assert secrets["TWO"] == FileSecret(
        written.root / "secrets" / "acme", Place("fleet.yaml", 14, 7)
    )
    assert secrets["THREE"] == KeyringSecret("trueup", "acme", Place("fleet.yaml", 15, 7))
    assert secrets["FOUR"] == CommandSecret(
        "vault",
        ("vault", "read", "acme"),
        written.root,
        timedelta(seconds=2.5),
        Place("fleet.yaml", 16, 7),
    )
    assert secrets["FIVE"].timeout == timedelta(seconds=10)
    assert secrets["API_SECRET"] == EnvironmentSecret("ACME_SECRET", Place("fleet.yaml", 9, 7))


def test_a_tenants_reference_replaces_that_of_the_defaults_as_a_whole(written):
    written.edit("  birch:\n", "  birch:\n    secrets: {API_SECRET: {file: birch.txt}}\n")

    assert written.load().tenants["birch"].secrets == {
        "API_SECRET": FileSecret(written.root / "birch.txt", Place("fleet.yaml", 14, 15))
    }


def test_the_database_is_taken_from_the_environment_and_not_shown(written):
    written.edit("database: embedded", 'database: "{{ env.FLEET_DATABASE }}"')

    env = {"FLEET_DATABASE": "postgresql://trueup:hunter2@db/fleet"}
    database = load_fleet(written.root, env=env, shipped=SCHEMAS).database

    assert database.url == env["FLEET_DATABASE"]
    assert not database.is_embedded
    assert "hunter2" not in repr(database)


def test_a_database_whose_variable_is_not_set_is_not_the_embedded_one(written):
    written.edit("database: embedded", 'database: "{{ env.FLEET_DATABASE }}"')

    database = written.load().database

    assert not database.is_embedded
    assert [one.text for one in database.unset] == [
        "the environment variable FLEET_DATABASE is not set"
    ]


def test_what_may_hold_a_secret_is_in_no_representation(written):
    written.edit(
        "set: {target: {username: api@acme.example}}",
        "set: {target: {username: visible}}\n    secrets: {ONE: {command: [vault, visible]}}",
    )

    assert "visible" not in repr(written.load())


VALUES = [
    *("null", "[]", "{}", "x", "-1", "1.5", "true", "2026-01-01", '"24:00"', "[a, [b]]", '""'),
    *("{a: {b: 1}}", '"{{ env.X }}"', '"{{ env"', '" "', "*a", "!!int 3", "999999999999999999999"),
    *("{command: [[a]]}", "{command: []}", "{keyring: {service: a, user: 1}}", "\\x00", "\n- a"),
]
PARTS = [part.span() for part in re.finditer(r"(?<=: )[^\n,{}]+|\{[^{}]*\}", GOOD)]


@given(st.sampled_from(PARTS), st.sampled_from(VALUES))
def test_any_value_in_any_place_gives_a_fleet_or_findings(part, value):
    with TemporaryDirectory() as folder:
        text = GOOD[: part[0]] + value + GOOD[part[1] :]
        (Path(folder) / "fleet.yaml").write_text(text, encoding="utf-8")

        fleet, findings = check_fleet(Path(folder), env={}, shipped=SCHEMAS)

    assert (fleet is None) == any(one.severity is Severity.ERROR for one in findings)
    assert all(one.line() for one in findings)


def test_each_of_many_tenants_has_its_places(written):
    lines = "".join(f"  t{n}: {{set: {{batch: {n % 400 + 1}}}}}\n" for n in range(200))
    written.edit("tenants:\n", f"tenants:\n{lines}")

    fleet = written.load()

    assert len(fleet.tenants) == 202
    assert fleet.tenants["t199"].overrides.values["batch",] == Place("fleet.yaml", 210, 23)
