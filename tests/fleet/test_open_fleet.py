"""Opening a fleet: its database is found, and its tenants are read where that is needed."""

import pytest
from trueup.config.fleet import find_database
from trueup.errors import ConfigError, EngineError
from trueup.fleet import open_fleet as opening
from trueup.fleet.fleet_file import load_fleet
from trueup.fleet.open_fleet import open_fleet, require_tenants

HEAD = "fleet: Northgate\n"
TENANTS = "tenants:\n  acme: {project: acme, schedule: {cron: '0 5 * * *', time_zone: UTC}}\n"


@pytest.mark.parametrize(
    "line",
    [
        "database: embedded\n",
        'database: "{{ env.FLEET_DATABASE }}"\n',
        "database: 'postgresql://ada:{{ env.PASSWORD }}@db/base'   # with a comment\n",
        "database: postgresql://db/base\n",
    ],
)
def test_the_database_that_is_found_is_that_of_the_whole_file(tmp_path, monkeypatch, line):
    monkeypatch.setenv("FLEET_DATABASE", "postgresql://from.environment/base")
    monkeypatch.setenv("PASSWORD", "k4n4ry")
    file = tmp_path / "fleet.yaml"
    file.write_text(HEAD + line + TENANTS)

    found = find_database(file.read_bytes())

    whole = load_fleet(tmp_path).database
    assert (found.url, found.is_embedded) == (whole.url, whole.is_embedded)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + TENANTS,
        HEAD + "database:\n  embedded\n" + TENANTS,
        HEAD + 'database: "{{ env.NOBODY_SETS_THIS }}"\n' + TENANTS,
        HEAD + "database: [\n" + TENANTS,
    ],
)
def test_without_the_database_on_one_line_the_whole_file_is_read(text):
    assert find_database(text.encode()) is None


def test_tenants_that_the_database_has_already_are_not_read_again(tmp_path, postgres, monkeypatch):
    (tmp_path / "fleet.yaml").write_text(f"{HEAD}database: {postgres}\n{TENANTS}")
    with open_fleet(tmp_path) as opened, opened.connect() as connection:
        opened.prepare(connection)

    monkeypatch.setattr(opening, "load_fleet", None)
    with open_fleet(tmp_path) as opened, opened.connect() as connection:
        opened.prepare(connection)
        assert require_tenants(connection, ()) == ["acme"]


def test_fleet_yaml_is_read_again_where_it_has_changed(tmp_path, postgres):
    file, whole = tmp_path / "fleet.yaml", f"{HEAD}database: {postgres}\n{TENANTS}"
    file.write_text(whole)
    with open_fleet(tmp_path) as opened:
        assert opened.read_again() is opened

        file.write_text(f"# whose line is now another one\n{whole}".replace("acme", "birch"))
        assert list(opened.read_again().fleet.tenants) == ["birch"]

        file.write_text(whole + "  - broken")
        with pytest.raises(ConfigError):
            opened.read_again()

        file.write_text(whole.replace(postgres, "postgresql://elsewhere/base"))
        with pytest.raises(EngineError, match="names another database now"):
            opened.read_again()
