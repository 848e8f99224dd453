"""A value in a field's own terms, and when two such values are one."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.catalogue import Field, PickValue, Type
from trueup.model.coerce import (
    PLACES,
    CoercionError,
    coerce,
    empty,
    fingerprint,
    label,
    pick_table,
    same,
    to_day,
    to_number,
)

DAY = date(2026, 11, 15)
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)
TEXT = Field("name", Type.TEXT, max_length=10)
WHOLE = Field("count", Type.INTEGER)
MONEY = Field("price", Type.DECIMAL)
YES_NO = Field("active", Type.BOOLEAN)
DATE = Field("since", Type.DAY)
INSTANT = Field("at", Type.INSTANT)
PICKS = Field(
    "period",
    Type.INTEGER,
    picklist=(
        PickValue(1, "One-Time", active=False),
        PickValue(2, "Monthly"),
        PickValue(3, "Yearly"),
        PickValue(4, "Twice"),
        PickValue(5, "twice"),
        PickValue(6, "Again", active=False),
        PickValue(7, "Again"),
        PickValue(8, " Spaced "),
        PickValue(9, "2"),
    ),
)
NO_MEASURE = "this number is out of all range"


@pytest.mark.parametrize("field", [TEXT, WHOLE, MONEY, YES_NO, DATE, INSTANT, PICKS])
def test_none_stays_none(field):
    assert coerce(None, field) is None


FITS = [
    (TEXT, "  Alpine \n", "Alpine"),
    (TEXT, "", ""),
    (TEXT, 12, "12"),
    (TEXT, Decimal("12.50"), "12.5"),
    (TEXT, Decimal("1E+3"), "1000"),
    (TEXT, Decimal("0E+900"), "0"),
    (TEXT, DAY, "2026-11-15"),
    (Field("x", Type.TEXT), NOON, "2026-11-15T12:00:00+00:00"),
    (Field("x", Type.LOOKUP), "k", "k"),
    (Field("x", Type.CHOICE), "k", "k"),
    (WHOLE, 12, 12),
    (WHOLE, "12", 12),
    (WHOLE, " -12.0 ", -12),
    (WHOLE, Decimal("12.00"), 12),
    (WHOLE, "1.2e1", 12),
    (WHOLE, True, 1),
    (WHOLE, False, 0),
    (MONEY, "12.5", Decimal("12.5000")),
    (MONEY, 12, Decimal("12.0000")),
    (MONEY, Decimal("0.00005"), Decimal("0.0001")),
    (MONEY, Decimal("-0.00005"), Decimal("-0.0001")),
    (MONEY, Decimal(1) / 3, Decimal("0.3333")),
    (MONEY, Decimal("99999999999999999.99999"), Decimal("100000000000000000.0000")),
    (YES_NO, True, True),
    (YES_NO, "Yes", True),
    (YES_NO, " no ", False),
    (YES_NO, 1, True),
    (YES_NO, "0", False),
    (YES_NO, "TRUE", True),
    (DATE, DAY, DAY),
    (DATE, NOON, DAY),
    (DATE, "2026-11-15", DAY),
    (DATE, " 2026-11-15T23:00:00Z ", DAY),
    (DATE, "2026-11-15 00:00", DAY),
    (INSTANT, NOON, NOON),
    (INSTANT, NOON.replace(tzinfo=None), NOON),
    (INSTANT, DAY, NOON.replace(hour=0)),
    (INSTANT, "2026-11-15T12:00:00Z", NOON),
    (INSTANT, "2026-11-15T12:00:00", NOON),
    (INSTANT, "2026-11-15T13:00:00+01:00", NOON),
    (PICKS, "Monthly", 2),
    (PICKS, " MONTHLY ", 2),
    (PICKS, 3, 3),
    (PICKS, Decimal("3.0"), 3),
    (PICKS, Decimal("2.00"), 2),
    (PICKS, "3", 3),
    (PICKS, "again", 7),
    (PICKS, "spaced", 8),
    (PICKS, "2", 9),
    (PICKS, "Twice", 4),
    (PICKS, "twice", 5),
    (PICKS, 2, 2),
    (Field("x", Type.TEXT, picklist=(PickValue("USD", "US Dollar"),)), "us dollar", "USD"),
]


@pytest.mark.parametrize(
    ("field", "value", "fitted"), FITS, ids=[f"{field.type}-{value!r}" for field, value, _ in FITS]
)
def test_a_value_fits_as_the_field_holds_it(field, value, fitted):
    found = coerce(value, field)
    assert found == fitted
    assert type(found) is type(fitted)


MISFITS = [
    (TEXT, "Alpine Dental", "name takes 10 characters, this has 13"),
    (TEXT, True, "true is not text"),
    (TEXT, ["a"], "a list is not text"),
    (TEXT, {}, "a map is not text"),
    (TEXT, Decimal("1e999999999"), NO_MEASURE),
    (WHOLE, "12.5", "count takes whole numbers, not '12.5'"),
    (WHOLE, Decimal("0.1"), "count takes whole numbers, not 0.1"),
    (WHOLE, "twelve", "'twelve' is not a number"),
    (WHOLE, "", "'' is not a number"),
    (WHOLE, "1_000", "'1_000' is not a number"),
    (WHOLE, "1,000", "'1,000' is not a number"),
    (WHOLE, "١٢", "'١٢' is not a number"),
    (WHOLE, "1e99", NO_MEASURE),
    (WHOLE, "1e999999999", "'1e999999999' is not a number"),
    (WHOLE, "-1e-99", "count takes whole numbers, not '-1e-99'"),
    (WHOLE, DAY, "2026-11-15 is not a number"),
    (WHOLE, 10**4_000, NO_MEASURE),
    (MONEY, "nan", "'nan' is not a number"),
    (MONEY, "Infinity", "'Infinity' is not a number"),
    (MONEY, Decimal("NaN"), "NaN is not a number"),
    (MONEY, Decimal("sNaN"), "sNaN is not a number"),
    (MONEY, Decimal("-Infinity"), "-Infinity is not a number"),
    (MONEY, True, "true is not a number"),
    (MONEY, 12.5, "12.5 is not a number"),
    (MONEY, Decimal("1E+20"), NO_MEASURE),
    (MONEY, Decimal("1E-999999999"), NO_MEASURE),
    (MONEY, "9" * 1_000_000, "is not a number"),
    (YES_NO, "maybe", "active is yes or no, not 'maybe'"),
    (YES_NO, "", "active is yes or no, not ''"),
    (YES_NO, 2, "active is yes or no, not 2"),
    (DATE, "15.11.2026", "'15.11.2026' is not a day (2026-11-15) for since"),
    (DATE, "2026-02-30", "'2026-02-30' is not a day (2026-11-15) for since"),
    (DATE, "20261115", "'20261115' is not a day (2026-11-15) for since"),
    (DATE, "2026-W46-7", "is not a day"),
    (DATE, "2026-11-15th", "is not a day"),
    (DATE, "2026-11-15 to 2026-12-31", "is not a day"),
    (DATE, "", "'' is not a day"),
    (DATE, 20261115, "is not a day"),
    (INSTANT, "noon", "'noon' is not a point in time for at"),
    (INSTANT, 5, "5 is not a point in time for at"),
    (
        PICKS,
        "Weekly",
        "'Weekly' is not in the picklist of period (One-Time, Monthly, Yearly, Twice",
    ),
    (PICKS, 99, "99 is not in the picklist of period"),
    (PICKS, "One-Time", "'One-Time' is an inactive entry of the picklist of period"),
    (PICKS, 1, "1 is an inactive entry of the picklist of period"),
    (PICKS, "TWICE", "'TWICE' is 2 entries of the picklist of period: 4, 5"),
    (
        Field("x", Type.INTEGER, picklist=()),
        "Weekly",
        "'Weekly' is not in the picklist of x (no entry is known: the catalogue may state ",
    ),
]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    MISFITS,
    ids=[f"{field.type}-{value!r:.30}" for field, value, _ in MISFITS],
)
def test_a_value_that_does_not_fit_is_reported_in_words(field, value, says):
    with pytest.raises(CoercionError) as raised:
        coerce(value, field)
    assert says in str(raised.value)
    assert len(str(raised.value)) < 300


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.decimals(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.integers(), max_size=2),
    st.floats(),
)


@given(
    ANYTHING,
    st.sampled_from([TEXT, WHOLE, MONEY, YES_NO, DATE, INSTANT, PICKS, Field("x", Type.TEXT)]),
)
def test_any_value_fits_or_is_refused_and_what_fits_fits_again_as_it_is(value, field):
    try:
        fitted = coerce(value, field)
    except CoercionError as fault:
        assert str(fault)  # noqa: PT017 -- or it fits
    else:
        assert same(coerce(fitted, field), fitted)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_money_is_rounded_to_four_places_half_away_from_zero(number):
    fitted = coerce(number, MONEY)
    assert abs(fitted - number) <= PLACES / 2
    assert fitted.as_tuple().exponent == -4
    assert coerce(-number, MONEY) == -fitted


@pytest.mark.parametrize(
    ("desired", "actual", "one"),
    [
        ("Alpine", "Alpine", True),
        ("Alpine", " Alpine\n", True),
        ("a\r\nb", "a\nb", True),
        ("", None, True),
        ("  ", None, True),
        (None, "\r\n", True),
        (None, None, True),
        ("Alpine", "alpine", False),
        ("Alpine", None, False),
        ("0", None, False),
        ("1", 1, False),
        (Decimal("1.50"), Decimal("1.5"), True),
        (1, Decimal(1), True),
        (0, None, False),
        (False, None, False),
        (DAY, DAY, True),
        (DAY, DAY + timedelta(days=1), False),
        (DAY, NOON, False),
        (NOON, NOON.astimezone(timezone(timedelta(hours=1))), True),
    ],
)
def test_two_values_are_one_whatever_their_idle_spaces(desired, actual, one):
    assert same(desired, actual) is one
    assert same(actual, desired) is one


@pytest.mark.parametrize(
    ("value", "nothing"), [(None, True), ("", True), (" ", False), (0, False), (False, False)]
)
def test_nothing_is_none_or_an_empty_text(value, nothing):
    assert empty(value) is nothing


@pytest.mark.parametrize(
    ("value", "field", "shown"),
    [
        (2, PICKS, "Monthly"),
        ("2", PICKS, "Monthly"),
        (99, PICKS, 99),
        (None, PICKS, None),
        ("x", TEXT, "x"),
        (5, None, 5),
        (5, Field("x", Type.INTEGER, picklist=()), 5),
    ],
)
def test_a_picklist_s_number_is_shown_as_its_label(value, field, shown):
    assert label(value, field) == shown


def test_fast_look_up_knows_active_entries_and_labels_that_are_one_of_a_kind():
    assert pick_table(PICKS.picklist) == {
        2: 2, 3: 3, 4: 4, 5: 5, 7: 7, 8: 8, 9: 9,
        "Monthly": 2, "Yearly": 3, "Twice": 4, "twice": 5, "Again": 7, " Spaced ": 8, "2": 9,
    }  # fmt: skip


@given(
    st.sampled_from(
        [
            2,
            3,
            99,
            1,
            Decimal("3.0"),
            Decimal("1.5"),
            "Monthly",
            "monthly",
            "Yearly",
            "Again",
            "Twice",
            "twice",
            "2",
            " Spaced ",
            "One-Time",
        ]
    )
)
def test_fast_look_up_gives_what_coercion_gives(value):
    found = pick_table(PICKS.picklist).get(value)
    if found is not None:
        assert coerce(value, PICKS) == found


def test_a_fingerprint_changes_when_a_value_does_and_only_then():
    row = {"a": "1", "b": Decimal("1.50"), "c": None, "d": DAY, "e": Decimal("1E+9999999")}
    print_ = fingerprint(row)
    assert len(print_) == 16
    assert fingerprint(dict(reversed(row.items()))) == print_
    assert fingerprint({**row, "b": Decimal("1.5")}) == print_
    assert fingerprint({**row, "b": Decimal("1.500000")}) == print_
    others = [
        {**row, "a": 1},
        {**row, "b": Decimal("1.51")},
        {**row, "c": "None"},
        {**row, "d": "2026-11-15"},
    ]
    others += [{**row, "f": None}, {**row, "a": "1\nb=2"}, {**row, "b": "1.5"}, {}]
    assert len({print_, *map(fingerprint, others)}) == len(others) + 1


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\x1b[31m", "é" * 9_999])
def test_a_fingerprint_takes_any_text(text):
    assert fingerprint({"a": text}) != fingerprint({"a": ""})


def test_whole_days_and_numbers_are_read_without_a_field():
    assert to_day("2026-11-15T09:00") == DAY
    assert to_number(" +1.50e1 ") == Decimal("15.0")
    assert to_number("-0") == 0
