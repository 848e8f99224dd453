"""What a write-back shows of a column before and after."""

from datetime import date
from decimal import Decimal

import pytest
from trueup.model.change import Unknown
from trueup.planning.records.write_backs import column_text

from tests.support.scene import Scene, actions, change_of, settled
from tests.support.small_project import changed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        ("Active", "Active"),
        (0, "0"),
        (False, "no"),
        (True, "yes"),
        (Decimal("1E+1"), "10"),
        (date(2026, 11, 15), "2026-11-15"),
        (Unknown("customer:a"), "known after apply"),
    ],
)
def test_a_column_is_shown_as_people_write_it(value, text):
    assert column_text(value) == text


def test_a_column_that_is_empty_before_it_is_marked_is_shown_as_none():
    scene = Scene()
    scene.files(changed("mappings/license_change.yaml", "source.status == 'Active' and ", ""))
    scene.row("license_change", "first")["status"] = None

    [field] = change_of(scene.plan(), "license_change:first:mark").fields

    assert (field.shown_before, field.shown_after) == ("–", "Archived")


PSA_ID = (
    'write_back: {set: {psa_system_id: "{{ record.id }}"}, when: "{{ not source.psa_system_id }}"}'
)


@pytest.mark.parametrize(
    ("places", "kept"), [(4, Decimal("3.3333")), (0, Decimal(3)), (None, Decimal(10) / 3)]
)
def test_a_number_is_written_with_the_places_that_its_column_keeps_and_once(places, kept):
    scene = settled()
    scene.row("subscription")["selling_price"] = Decimal(10)
    if places is not None:
        scene.source.rounds_to["subscription", "cost_price"] = places
    written = 'write_back: {set: {cost_price: "{{ source.selling_price / 3 }}"}}'
    scene.files(changed("mappings/subscription.yaml", PSA_ID, written))

    made = scene.sync()

    (change,) = made.changes
    assert (change.values, scene.row("subscription")["cost_price"]) == ({"cost_price": kept}, kept)
    assert actions(scene.plan()) == []


def test_empty_text_is_written_as_no_value_and_once():
    scene = settled()
    scene.row("subscription")["psa_system_id"] = "5"
    scene.files(
        changed("mappings/subscription.yaml", PSA_ID, 'write_back: {set: {psa_system_id: ""}}')
    )

    made = scene.sync()

    assert [change.values for change in made.changes] == [{"psa_system_id": None}]
    assert actions(scene.plan()) == []


def test_a_mark_has_the_places_that_its_column_keeps():
    scene = Scene()
    scene.row("license_change", "first")["selling_price"] = Decimal("1.00005")
    scene.source.rounds_to["license_change", "selling_price"] = 4
    scene.files(
        changed(
            "mappings/license_change.yaml",
            "set: {status: Archived}",
            'set: {status: Archived, selling_price: "{{ source.selling_price }}"}',
        )
    )

    mark = change_of(scene.plan(), "license_change:first:mark")

    assert mark.values == {"status": "Archived", "selling_price": Decimal("1.0001")}
