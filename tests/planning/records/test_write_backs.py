"""What a write-back shows of a column before and after."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from trueup.model.catalogue import Column, Type
from trueup.model.change import Unknown
from trueup.model.coerce import CoercionError
from trueup.planning.records.write_backs import column_text, written_value

from tests.planning.records.test_blocking import blocked
from tests.support.scene import Scene, actions, change_of, day, log, settled
from tests.support.small_project import changed

LONDON = ZoneInfo("Europe/London")


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


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (
            "{{ source.name | trim }}",
            "write_back: license_change.status: 'first' is not one of its choices",
        ),
        ("{{ source.name + 1 }}", "write_back: status cannot be evaluated"),
    ],
)
def test_a_change_whose_mark_can_never_be_written_is_not_sent(written, text):
    scene = settled()
    scene.files(
        changed("mappings/license_change.yaml", "{status: Archived}", f'{{status: "{written}"}}')
    )
    scene.add("license_change", log("third", on=day(11, 10), quantity=2, name="first"))
    scene.row("subscription")["quantity"] = 12
    made = scene.plan()

    (finding,) = blocked(made, "third").findings

    assert actions(made) == []
    assert finding.text.startswith(text)
    assert str(finding.place).startswith("mappings/license_change.yaml:")


def test_a_record_is_created_without_a_write_back_that_does_not_fit():
    scene = Scene()
    scene.files(
        changed(
            "mappings/subscription.yaml",
            '{psa_system_id: "{{ record.id }}"}',
            '{quantity: "{{ source.name | trim }}"}',
        )
    )
    made = scene.plan()

    (finding,) = [one for one in made.findings if one.code == "value-does-not-fit"]

    assert ("create", "subscription") in actions(made)
    assert ("write_back", "subscription") not in actions(made)
    assert (finding.mapping, finding.key) == ("subscription", "sub")
    assert finding.text.startswith("write_back: subscription.quantity: ")


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (Type.TEXT, 12, "12"),
        (Type.TEXT, " as it is ", " as it is "),
        (Type.TEXT, Decimal("3.0"), "3"),
        (Type.TEXT, Decimal("1E+2"), "100"),
        (Type.TEXT, date(2026, 11, 15), "2026-11-15"),
        (Type.TEXT, datetime(2026, 11, 15, 9, tzinfo=UTC), "2026-11-15T09:00:00+00:00"),
        (Type.INTEGER, "12", 12),
        (Type.DECIMAL, "1.23456", Decimal("1.23456")),
        (Type.BOOLEAN, "no", False),
        (Type.DAY, "2026-11-15", date(2026, 11, 15)),
        (Type.CHOICE, "Archived", "Archived"),
        (Type.DAY, None, None),
        (Type.DAY, Unknown("customer:a"), Unknown("customer:a")),
    ],
)
def test_a_value_is_written_in_the_type_of_its_column(kind, value, written):
    column = Column("column", kind, "column", choices={1: "Active", 2: "Archived"})

    assert written_value(column, value, LONDON) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 7, 1), "2026-06-30T23:00:00+00:00"),
        ("2026-07-01", "2026-06-30T23:00:00+00:00"),
        (date(2026, 11, 15), "2026-11-15T00:00:00+00:00"),
        ("2026-07-01T09:30", "2026-07-01T08:30:00+00:00"),
        (datetime(2026, 7, 1, 9, 30), "2026-07-01T08:30:00+00:00"),  # noqa: DTZ001 -- the case
        ("2026-07-01T09:30:00Z", "2026-07-01T09:30:00+00:00"),
        (datetime(2026, 7, 1, 9, 30, tzinfo=UTC), "2026-07-01T09:30:00+00:00"),
    ],
)
def test_a_day_in_a_column_of_instants_begins_in_the_business_time_zone(value, written):
    column = Column("column", Type.INSTANT, "column")

    found = written_value(column, value, LONDON)

    assert isinstance(found, datetime)
    assert found.astimezone(UTC).isoformat() == written


def test_what_is_no_point_in_time_does_not_fit_a_column_of_instants():
    with pytest.raises(CoercionError, match="'soon' is not a point in time"):
        written_value(Column("column", Type.INSTANT, "column"), "soon", LONDON)


def test_a_field_of_a_record_is_written_back_once_the_record_exists():
    scene = Scene()
    written = 'write_back: {set: {psa_system_id: "{{ record.internalDescription }}"}}'
    scene.files(changed("mappings/subscription.yaml", PSA_ID, written))

    first = scene.sync()
    second = scene.plan()

    assert ("create", "subscription") in actions(first)
    assert ("write back", "subscription") not in actions(first)
    assert "expression-failed" not in {finding.code for finding in first.findings}
    assert actions(second) == [("write back", "subscription")]
