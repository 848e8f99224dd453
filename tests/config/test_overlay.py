"""A part of fleet.yaml that is laid over trueup.yaml, and a folder of the tenant's own."""

import pytest
from trueup.config.documents import parse
from trueup.config.loader import check
from trueup.config.node import Node
from trueup.config.overlay import overlaid, overrides_of
from trueup.model.finding import Place
from trueup.model.overlay import Overlay

BASE = b"""\
target: {connector: sandbox, database: base.sqlite, hosts: [a, b]}
settings: {kept: 1, changed: 2}
name: base
"""


def part(text, key="set"):
    """The part of fleet.yaml under a key."""
    (document,), findings = parse(f"{key}:\n{text}".encode(), "fleet.yaml")
    assert findings == []
    return overrides_of(Node(document, document.data)[key])


def merged(text):
    (base,), _ = parse(BASE, "trueup.yaml")
    return overlaid(base, part(text))


def test_mappings_are_merged_key_by_key_and_lists_are_replaced():
    document = merged("  target: {hosts: [c]}\n  settings: {changed: 3, added: 4}\n")

    assert document.data == {
        "target": {"connector": "sandbox", "database": "base.sqlite", "hosts": ["c"]},
        "settings": {"kept": 1, "changed": 3, "added": 4},
        "name": "base",
    }


def test_a_part_with_another_connector_replaces_the_part():
    document = merged("  target: {connector: autotask, username: api}\n")

    assert document.data["target"] == {"connector": "autotask", "username": "api"}


def test_a_part_that_names_the_same_connector_is_merged():
    document = merged("  target: {connector: sandbox, seed: s.json}\n")

    assert document.data["target"]["database"] == "base.sqlite"


def test_each_value_keeps_the_place_where_it_was_written():
    document = merged("  target: {hosts: [c]}\n  settings: {added: 4}\n")

    assert document.place("target", "hosts", 0) == Place("fleet.yaml", 2, 20)
    assert document.key_place("target", "hosts") == Place("fleet.yaml", 2, 12)
    assert document.place("target", "hosts", 1) == Place("fleet.yaml", 2, 19)  # was of the base
    assert document.key_place("settings", "added") == Place("fleet.yaml", 3, 14)
    assert document.key_place("settings", "changed") == Place("trueup.yaml", 2, 21)
    assert document.key_place("settings") == Place("trueup.yaml", 2, 1)


def test_the_parts_that_are_merged_stay_as_they_were():
    over = part("  settings: {changed: 3}\n")
    (base,), _ = parse(BASE, "trueup.yaml")

    overlaid(base, over)

    assert base.data["settings"] == {"kept": 1, "changed": 2}
    assert over.data == {"settings": {"changed": 3}}


def messages(project, text, folder):
    overlay = Overlay(folder, part(text))
    _, findings = check(project.root, env=project.env, shipped=project.shipped, overlay=overlay)
    return [f"{finding.place}: {finding.text}" for finding in findings]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  tarjet: {a: 1}\n", "fleet.yaml:2:3: unknown key 'tarjet'"),
        ("  target: {usrname: x}\n", "fleet.yaml:2:12: unknown key 'usrname'"),
        ("  batch: many\n", "fleet.yaml:2:10: 'many' is not a whole number"),
        ("  time_zone: Europe/Londn\n", "fleet.yaml:2:14: there is no time zone 'Europe/Londn'"),
        ("  target: {url: http://a.example}\n", "fleet.yaml:2:17: target.url begins with http://,"),
    ],
)
def test_a_finding_about_what_is_laid_over_has_the_place_where_it_is(
    project, tmp_path, text, message
):
    (found,) = messages(project, text, tmp_path)

    assert found.startswith(message)


def test_a_finding_about_the_rest_has_its_place_in_the_project(project, tmp_path):
    project.edit("trueup.yaml", "Europe/Zurich", "Europe/Zurch")

    (found,) = messages(project, "  settings: {}\n", tmp_path)

    assert found.startswith("trueup.yaml:")


def test_decisions_and_notes_are_those_of_the_own_folder(project, tmp_path):
    own = tmp_path / "own"
    (own / "mappings").mkdir(parents=True)
    (own / "mappings" / "decisions.yaml").write_text(
        "decisions: [{mapping: customer, key: own, do: create, reason: r}]\n", encoding="utf-8"
    )
    (own / "mappings" / "notes.yaml").write_text(
        "notes: [{mapping: customer, key: own, note: n}]\n", encoding="utf-8"
    )
    project.write(
        "mappings/decisions.yaml",
        "decisions: [{mapping: customer, key: shared, do: create, reason: r}]\n",
    )

    checked, _ = check(
        project.root,
        env=project.env,
        shipped=project.shipped,
        overlay=Overlay(own, part("  settings: {}\n")),
    )

    assert [one.key for one in checked.decisions] == ["own"]
    assert [one.key for one in checked.notes] == ["own"]
    assert checked.own == own
    assert checked.root == str(project.root)
