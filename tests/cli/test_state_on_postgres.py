"""Every command with the state on PostgreSQL: the same results, and no password in any text."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from trueup import wiring
from trueup.connectors import states
from trueup.operations.project import load_project
from trueup.state.postgres.clock import ServerClock

from tests.support.fakes import FakeClock

SECRET = "n0tt0besh0wn"  # noqa: S105 -- of no server


@pytest.fixture
def state_at(monkeypatch):
    """Names the state of the project in the current folder: its database and its tenant."""

    def write(url, **options):
        file = Path("trueup.yaml")
        project = yaml.safe_load(file.read_text())
        project["state"] = {"connector": "postgres", "url": "{{ env.STATE }}", **options}
        file.write_text(yaml.safe_dump(project, sort_keys=False))
        monkeypatch.setenv("STATE", url)

    return write


def test_a_state_moves_from_a_file_to_postgres_and_back(trueup, applied, postgres, state_at):
    history = trueup("history", "--json")[1]
    assert trueup("state", "export", "--out", "before.json")[0] == 0
    own = (applied / "trueup.yaml").read_text()

    state_at(postgres, tenant="acme")
    assert trueup("state", "import", "before.json")[0] == 0

    assert trueup("state", "export")[1] == Path("before.json").read_text()
    assert trueup("history", "--json")[1] == history
    code, out, _ = trueup("history", "verify", "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    assert "Plan: nothing to change" in trueup("plan")[1]

    (applied / "trueup.yaml").write_text(own)
    Path(".trueup/state.sqlite").unlink()
    assert trueup("state", "import", "before.json")[0] == 0
    assert trueup("state", "export")[1] == Path("before.json").read_text()


def test_each_tenant_has_a_state_of_its_own(trueup, applied, postgres, state_at):
    assert trueup("state", "export", "--out", "before.json")[0] == 0
    state_at(postgres, tenant="acme")
    assert trueup("state", "import", "before.json")[0] == 0
    assert trueup("plan")[0] == 0
    assert Path(".trueup/acme.records.json").exists()
    assert Path(".trueup/acme.metadata.json").exists()

    state_at(postgres, tenant="birch")

    assert json.loads(trueup("state", "list", "--json")[1]) == {"links": []}
    assert not [*Path(".trueup").glob("birch.*")]


@pytest.mark.parametrize("command", ["apply --yes", "rehearse", "doctor", "state doubt"])
def test_a_command_runs_with_its_state_on_postgres(trueup, postgres, state_at, command):
    state_at(postgres)

    code, _, err = trueup(*command.split())

    assert (code, err) == (0, "")
    assert not Path(".trueup/state.sqlite").exists()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"postgresql://me:{SECRET}@127.0.0.1:1/base", "cannot be opened"),
        (f"postgresql://me:{SECRET}/x@127.0.0.1:1/base", "address"),
        (f"postgresql://me:x@{SECRET}@127.0.0.1:1/base", "address"),
        (f"postgresql://me:%{SECRET}@127.0.0.1:1/base", "address"),
    ],
)
def test_no_password_is_shown_when_the_state_cannot_be_opened(trueup, state_at, url, text):
    state_at(url, tenant="acme")

    for command in ("plan", "doctor", "state list", "history"):
        code, out, err = trueup(*command.split())
        assert code != 0
        assert text in err
        assert SECRET not in out + err


def test_a_run_is_timed_by_the_server_of_its_state(work, postgres, state_at):
    state_at(postgres, tenant="acme")
    long_ago = FakeClock(datetime(2001, 1, 1, tzinfo=UTC))
    project = load_project(work)

    with wiring.connections(project, clock=long_ago) as opened:
        assert opened.shared_clock().now().year > 2025
    with wiring.open_world(project) as world:
        assert isinstance(world.clock, ServerClock)
    with wiring.open_world(project, clock=long_ago) as world:
        assert world.clock is long_ago


def test_a_missing_driver_is_named_with_what_to_install(trueup, state_at, monkeypatch):
    state_at("postgresql://db.example/base")
    monkeypatch.setattr(states, "find_spec", lambda _: None)

    code, _, err = trueup("state", "list")

    assert code != 0
    assert "trueup.yaml:" in err
    assert "the driver psycopg is not installed: pip install 'trueup[postgres]'" in err
