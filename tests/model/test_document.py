"""A plan as a document: written and read back it is the same plan; anything else is refused in words."""

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.model.document import digest, dumps, encode, loads, sealed
from engine.model.finding import Finding, Place, Severity
from engine.model.plan import (
    Action,
    Blocked,
    Change,
    FieldChange,
    GuardExceeded,
    LedgerClass,
    LedgerLine,
    LeftOut,
    Plan,
    Reason,
    Seen,
    Summary,
    UnitRow,
    Unknown,
)

TEXT = st.text(max_size=12) | st.sampled_from(
    ["", "day", "unknown", "2026-11-15", "12.50", "Ünit\u2028\x1b[31m", "\ud800"]
)
WHOLE = st.integers(-(10**12), 10**12)
MONEY = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15)
EXACT = MONEY | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10)
DAYS = st.dates()
INSTANTS = st.datetimes(timezones=st.just(UTC))
PLACES = st.builds(Place, TEXT, st.integers(0, 9_999), st.integers(0, 999))
UNKNOWN = st.builds(Unknown, TEXT)
FREE = st.one_of(
    st.none(), st.booleans(), WHOLE, TEXT, EXACT, DAYS, INSTANTS, UNKNOWN, st.lists(TEXT, max_size=2).map(tuple)
)
VALUES = st.dictionaries(TEXT, FREE, max_size=3)
FINDINGS = st.builds(Finding, TEXT, st.sampled_from(Severity), TEXT, TEXT, st.none() | PLACES, TEXT, TEXT, TEXT)
UNITS = st.builds(UnitRow, WHOLE, DAYS, DAYS, WHOLE, st.booleans())
FIELDS = st.builds(FieldChange, TEXT, FREE, FREE, st.sampled_from(Reason), TEXT, TEXT)
SEEN = st.builds(
    Seen, st.dictionaries(TEXT, TEXT, max_size=2), VALUES, VALUES, st.none() | st.lists(UNITS, max_size=2).map(tuple)
)


def texts(size=2):
    return st.lists(TEXT, max_size=size).map(tuple)


CHANGES = st.builds(
    Change,
    id=TEXT,
    action=st.sampled_from(Action),
    mapping=TEXT,
    keys=texts(),
    name=TEXT,
    tab=TEXT,
    entity=TEXT,
    place=PLACES,
    record=st.none() | WHOLE,
    fields=st.lists(FIELDS, max_size=2).map(tuple),
    values=VALUES,
    owned=VALUES,
    needs=texts(),
    seen=SEEN,
    how=TEXT,
    monthly=st.none() | EXACT,
    one_off=st.none() | EXACT,
    price_unknown=st.booleans(),
    notes=texts(),
    units=st.none() | st.tuples(WHOLE, WHOLE),
    makes=st.none() | st.tuples(TEXT, TEXT, TEXT),
)
BLOCKED = st.builds(
    Blocked,
    TEXT,
    TEXT,
    TEXT,
    TEXT,
    st.lists(FINDINGS, max_size=2).map(tuple),
    st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=2).map(tuple),
    st.dictionaries(TEXT, WHOLE, max_size=2),
)
LINES = st.builds(
    LedgerLine,
    mapping=TEXT,
    key=TEXT,
    name=TEXT,
    record=st.none() | WHOLE,
    customer=TEXT,
    day=DAYS,
    quantity=st.none() | EXACT,
    units=WHOLE,
    pending=WHOLE,
    difference=EXACT,
    class_=st.sampled_from(LedgerClass),
    monthly=st.none() | EXACT,
    price=st.none() | EXACT,
    text=TEXT,
    remedy=TEXT,
)
SUMMARIES = st.builds(
    Summary,
    WHOLE,
    WHOLE,
    WHOLE,
    WHOLE,
    WHOLE,
    EXACT,
    WHOLE,
    WHOLE,
    st.dictionaries(TEXT, WHOLE, max_size=2),
    WHOLE,
    WHOLE,
)
PLANS = st.builds(
    Plan,
    project=TEXT,
    as_of=DAYS,
    lineage=TEXT,
    serial=WHOLE,
    source=TEXT,
    target=TEXT,
    currency=TEXT,
    changes=st.lists(CHANGES, max_size=2).map(tuple),
    waves=st.just(()),
    findings=st.lists(FINDINGS, max_size=1).map(tuple),
    blocked=st.lists(BLOCKED, max_size=1).map(tuple),
    left_out=st.lists(st.builds(LeftOut, TEXT, TEXT, texts(), TEXT), max_size=1).map(tuple),
    ledger=st.lists(LINES, max_size=1).map(tuple),
    exceeded=st.lists(st.builds(GuardExceeded, TEXT, TEXT), max_size=1).map(tuple),
    summary=SUMMARIES,
    selection=TEXT,
    undo_of=TEXT,
).map(lambda plan: replace(plan, waves=tuple((change.id,) for change in plan.changes)))
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

PLAN = Plan(
    project="p",
    as_of=date(2026, 11, 15),
    lineage="",
    serial=0,
    source="examples",
    target="sandbox",
    currency="GBP",
    changes=(
        Change(
            id="customer:a1",
            action=Action.UPDATE,
            mapping="customer",
            keys=("a1",),
            name="Alpine",
            tab="Customers",
            entity="Companies",
            place=Place("mappings/customer.yaml", 3, 1),
            record=29683,
            fields=(FieldChange("phone", None, "+41", Reason.SOURCE, "–", "+41"),),
            values={"since": date(2026, 11, 15), "at": datetime(2026, 11, 15, 9, tzinfo=UTC), "parent": Unknown("c")},
            seen=Seen(units=(UnitRow(1, date(2026, 1, 1), date(2026, 1, 31), 5),)),
            monthly=Decimal(10) / 3,
            units=(1, 2),
            makes=("a", "b", "c"),
        ),
    ),
    waves=(("customer:a1",),),
    findings=(),
    blocked=(Blocked("a", "b", "c", "d", (), (("x", "y", "z"),), {"contract": 1}),),
    left_out=(),
    ledger=(),
    exceeded=(),
    summary=Summary(1, 1, 1, 1, 1, Decimal("0.1"), 0, 0, {"update": 1}, 1, 0),
)


@SLOW
@given(PLANS)
def test_a_plan_written_and_read_back_is_the_same(plan):
    text = dumps(plan)
    again = loads(text)
    assert again == plan
    assert kinds(again) == kinds(plan)
    assert dumps(again) == text
    assert digest(text) == digest(text.encode().decode())


def kinds(plan):
    """The types of all free-form values but decimals that are whole, which JSON writes as whole numbers."""
    whole = {Decimal: "number", int: "number"}
    return [
        [whole.get(type(value), type(value)) for value in (*change.values.values(), *change.owned.values())]
        + [whole.get(type(part), type(part)) for one in change.fields for part in (one.before, one.after)]
        for change in plan.changes
    ]


@SLOW
@given(PLANS)
def test_the_document_depends_on_nothing_but_the_plan(plan):
    copy = replace(plan, **{part.name: getattr(plan, part.name) for part in fields(plan)})
    assert dumps(copy) == dumps(plan)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**11), max_value=10**11))
def test_money_of_fifteen_digits_is_an_exact_number_of_json(money):
    written = encode(money)
    assert isinstance(written, int | float)
    assert json.loads(json.dumps(written), parse_float=Decimal) == money


def test_a_decimal_that_no_number_of_json_holds_is_kept_by_its_digits():
    third = Decimal(1) / 3
    plan = replace(
        PLAN, changes=(replace(PLAN.changes[0], monthly=third, values={"price": third, "text": str(third)}),)
    )
    written = json.loads(dumps(plan))["changes"][0]
    assert written["monthly"] == str(third)
    assert written["values"] == {"price": {"decimal": str(third)}, "text": str(third)}
    assert loads(dumps(plan)) == plan


@pytest.mark.parametrize(
    "number", ["1E+999999999", "-1E-999999999", "0E+999999999", "1E+400", "123456789.123456789123456789"]
)
def test_a_number_of_any_size_is_written_without_filling_memory(number):
    plan = replace(PLAN, summary=replace(PLAN.summary, monthly=Decimal(number)))
    assert len(dumps(plan)) < len(dumps(PLAN)) + 50
    assert loads(dumps(plan)) == plan


def test_the_document_reads_as_the_plan_is_told():
    document = json.loads(dumps(PLAN))
    assert document["format"] == 1
    assert document["as_of"] == {"day": "2026-11-15"}
    change = document["changes"][0]
    assert change["place"] == "mappings/customer.yaml:3:1"
    assert change["action"] == "update"
    assert change["fields"][0]["reason"] == "changed in Work 365"
    assert change["values"] == {
        "since": {"day": "2026-11-15"},
        "at": {"day": "2026-11-15T09:00:00+00:00"},
        "parent": {"unknown": "c"},
    }
    assert document["summary"]["monthly"] == 0.1
    assert dumps(PLAN).endswith("}\n")


def test_text_stays_readable_and_half_characters_do_no_harm():
    text = dumps(replace(PLAN, source="Zürich \ud800 \U0001f600"))
    assert "Zürich \\ud800 \U0001f600" in text
    assert len(digest(text)) == 64
    assert loads(text).source == "Zürich \ud800 \U0001f600"


def test_a_place_in_a_file_whose_name_has_colons_is_read_back():
    plan = replace(PLAN, changes=(replace(PLAN.changes[0], place=Place("C:/x:y.yaml", 3, 1)),))
    assert loads(dumps(plan)) == plan


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "plan", "[]", "[1]", "5", "null", "true", '"text"', "{}", "{", '{"format"', '{"plan": 1}'),
        *("\x00", "[" * 100_000, '{"a":' * 100_000, '{"format": NaN}', '{"format": 1, "as_of": Infinity}'),
        '{"format": ' + "1" * 5_000 + "}",
    ],
)
def test_what_is_no_plan_is_told_what_to_do(text):
    with pytest.raises(EngineError, match=r"this is not a plan: make one with `trueup plan --out FILE`"):
        loads(text)


@pytest.mark.parametrize("version", [0, 2, "1", None, [], {}])
def test_a_plan_of_another_format_is_refused(version):
    with pytest.raises(EngineError, match=r"this plan has format .*, this trueup reads 1: plan again"):
        loads(json.dumps({**json.loads(dumps(PLAN)), "format": version}))


def resealed(document):
    """The document of one who can make a digest: as JSON says it, whatever it holds."""
    rest = {name: part for name, part in document.items() if name != "digest"}
    text = json.dumps(rest, indent=1)
    return sealed(text) if text.startswith('{\n "format": 1,\n') else text


ALTERED = r"this plan was changed or cut short since it was made .*: plan again"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("29683", "29684"),
        ("+41", "+42"),
        (" 1", "  1"),
        ("}\n", "}"),
        ('"format": 1,', '"format":1,'),
        ('"+41"', "null"),
    ],
)
def test_a_plan_that_was_edited_is_told_from_the_one_that_was_reviewed(old, new):
    text = dumps(PLAN)
    assert old in text
    with pytest.raises(EngineError, match=ALTERED):
        loads(text.replace(old, new))


def test_a_plan_whose_end_is_missing_is_not_taken_for_a_shorter_one():
    text = dumps(PLAN)
    for end in range(100, len(text), 97):
        with pytest.raises(EngineError, match=ALTERED):
            loads(text[:end])


@pytest.mark.parametrize("without", [{}, {"digest": "0" * 64}, {"digest": "x"}, {"digest": None}])
def test_a_plan_without_its_digest_is_refused(without):
    document = json.loads(dumps(PLAN))
    rest = {name: part for name, part in document.items() if name not in ("format", "digest")}
    with pytest.raises(EngineError, match=ALTERED):
        loads(json.dumps({"format": 1, **without, **rest}, indent=1) + "\n")


def test_a_plan_is_known_by_the_digest_that_stands_in_it():
    text = dumps(PLAN)
    assert digest(text) == json.loads(text)["digest"]
    assert digest(dumps(replace(PLAN, serial=1))) != digest(text)
    assert loads(resealed(json.loads(text))) == PLAN
    with pytest.raises(EngineError, match="this is not a plan"):
        digest("{}")


def leaves(data, path=()):
    yield path
    if isinstance(data, dict | list):
        for name, item in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(item, (*path, name))


DOCUMENT = json.loads(dumps(PLAN))
FREE_FORM = ("values", "owned", "before", "after")
BROKEN = [5, 1.5, "x", None, True, [], {}, [[]], {"day": 5}, {"day": "x"}, {"unknown": 1, "day": 2}, {"decimal": "x"}]


@pytest.mark.parametrize("path", [path for path in leaves(DOCUMENT) if path], ids=lambda path: ".".join(map(str, path)))
def test_a_part_that_is_missing_or_of_another_kind_is_told_or_is_as_good(path):
    for broken in (..., *BROKEN):
        document = json.loads(dumps(PLAN))
        holder = document
        for name in path[:-1]:
            holder = holder[name]
        if broken is ...:
            del holder[path[-1]]
        else:
            holder[path[-1]] = broken
        try:
            plan = loads(resealed(document))
        except EngineError as fault:
            told = ("the plan is damaged (", "this is not a plan", "this plan has format", "this plan was changed")
            assert str(fault).startswith(told)  # noqa: PT017 -- or it is as good
        else:
            assert loads(dumps(plan)) == plan


def test_a_wave_names_changes_of_its_plan():
    document = json.loads(dumps(PLAN))
    document["waves"] = [["customer:a1"], ["customer:a2"]]
    with pytest.raises(
        EngineError, match=r"damaged \(a wave names customer:a2, which is no change of it\): plan again"
    ):
        loads(resealed(document))


def test_a_part_of_another_kind_is_not_taken_for_the_right_one():
    for path, broken in [
        (("project",), 5),
        (("serial",), "5"),
        (("serial",), True),
        (("waves",), "abc"),
        (("waves", 0), {"a": 1}),
        (("changes", 0, "price_unknown"), 1),
        (("changes", 0, "units"), [1]),
        (("changes", 0, "units"), "12"),
        (("changes", 0, "monthly"), True),
        (("changes", 0, "monthly"), "NaN"),
        (("changes", 0, "monthly"), []),
        (("changes", 0, "values", "since"), {"decimal": "NaN"}),
        (("changes", 0, "values", "since"), {"day": 5}),
        (("changes", 0, "action"), "destroy"),
        (("changes", 0, "place"), "nowhere"),
        (("changes", 0, "place"), 5),
        (("as_of",), "2026-11-15"),
        (("as_of",), {"day": "2026-02-30"}),
        (("summary", "actions"), []),
        (("summary", "actions", "update"), 1.0),
    ]:
        document = json.loads(dumps(PLAN))
        holder = document
        for name in path[:-1]:
            holder = holder[name]
        holder[path[-1]] = broken
        with pytest.raises(EngineError, match="the plan is damaged"):
            loads(resealed(document))


@given(st.data())
def test_a_document_with_any_characters_changed_is_told(data):
    text = dumps(PLAN)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    broken = text[:start] + data.draw(st.text(alphabet='{}[]":,0e-NaI\\ud8x\n', max_size=6)) + text[end:]
    assume(broken != text)
    with pytest.raises(EngineError):
        loads(broken)


@given(st.data())
def test_a_document_resealed_with_any_characters_changed_is_a_plan_or_is_told(data):
    text = resealed(json.loads(dumps(PLAN)))
    start = data.draw(st.integers(100, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    broken = text[:start] + data.draw(st.text(alphabet='{}[]":,0e-NaI\\ud8x\n', max_size=6)) + text[end:]
    head, _, rest = broken.split("\n", 3)[1:]
    try:
        loads(sealed("{\n" + head + "\n" + rest))
    except EngineError as fault:
        assert str(fault).startswith("the plan is damaged (")  # noqa: PT017 -- or it is as good


def test_free_form_values_of_any_depth_are_encoded():
    assert encode({"a": [1, (Decimal("1.5"), {"b": date(2026, 1, 1)})], 5: Severity.ERROR, "none": None}) == {
        "a": [1, [1.5, {"b": {"day": "2026-01-01"}}]],
        "5": "error",
        "none": None,
    }
