"""What a write-back shows of a column before and after."""

from datetime import date
from decimal import Decimal

import pytest
from trueup.model.change import Unknown
from trueup.planning.records.write_backs import column_text

from tests.support.scene import Scene, change_of
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
