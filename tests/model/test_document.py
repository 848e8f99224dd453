"""A plan as a document: read back it is the same plan; anything else is refused in words."""

import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace
from trueup.errors import EngineError
from trueup.model.catalogue import SystemNames
from trueup.model.change import (
    Action,
    Adjustment,
    Alike,
    Change,
    FieldChange,
    InvoiceEffect,
    MadeRecord,
    Preconditions,
    Reason,
    RowRef,
    SeenRow,
    ServiceTerms,
    UnitRow,
    Unknown,
)
from trueup.model.document import (
    ChangeNames,
    change_names,
    dumps,
    loads,
    loads_complete,
    plan_id,
    write,
)
from trueup.model.finding import Command, Finding, Place, Severity
from trueup.model.plan import (
    FORMAT,
    Amount,
    Blocked,
    GoneRows,
    GuardExceeded,
    HeldTotal,
    HeldUnits,
    LedgerClass,
    LedgerLine,
    LedgerTotals,
    LeftOut,
    Money,
    Outside,
    OwnerMappings,
    PartialRead,
    Plan,
    Summary,
)
from trueup.model.plan_json import encode
from trueup.model.verdict import Verdict

from tests.support.documents import with_digest

TEXT = st.text(max_size=12) | st.sampled_from(
    ["", "day", "unknown", "2026-11-15", "12.50", "Ünit\u2028\x1b[31m", "\ud800"]
)
WHOLE = st.integers(-(10**12), 10**12)
MONEY = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15)
EXACT = MONEY | st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10
)
DAYS = st.dates()
INSTANTS = st.datetimes(timezones=st.just(UTC))
PLACES = st.builds(Place, TEXT, st.integers(0, 9_999), st.integers(0, 999))
UNKNOWN = st.builds(Unknown, TEXT)
FREE = st.one_of(
    st.none(),
    st.booleans(),
    WHOLE,
    TEXT,
    EXACT,
    DAYS,
    INSTANTS,
    UNKNOWN,
    st.lists(TEXT, max_size=2).map(tuple),
)

VALUES = st.dictionaries(TEXT, FREE, max_size=3)
COMMANDS = st.builds(
    Command, TEXT, TEXT, TEXT, st.none() | st.sampled_from(Verdict), st.none() | WHOLE, TEXT
)
FINDINGS = st.builds(
    Finding,
    code=TEXT,
    severity=st.sampled_from(Severity),
    text=TEXT,
    remedy=TEXT,
    place=st.none() | PLACES,
    mapping=TEXT,
    key=TEXT,
    name=TEXT,
    commands=st.lists(COMMANDS, max_size=2).map(tuple),
)
UNITS = st.builds(UnitRow, WHOLE, DAYS, DAYS, WHOLE, st.booleans())
FIELDS = st.builds(FieldChange, TEXT, FREE, FREE, st.sampled_from(Reason), TEXT, TEXT)
ROWS = st.builds(RowRef, TEXT, TEXT, TEXT)
ALIKE = st.builds(Alike, TEXT, VALUES, st.lists(WHOLE, max_size=2).map(tuple), WHOLE)
SEEN = st.builds(
    Preconditions,
    rows=st.lists(st.builds(SeenRow, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    record=VALUES,
    absent=VALUES,
    alike=st.lists(ALIKE, max_size=1).map(tuple),
    units=st.none() | st.lists(UNITS, max_size=2).map(tuple),
    made_of=st.dictionaries(TEXT, VALUES, max_size=1),
)
FEW = st.sampled_from([Decimal(0), Decimal("0.1"), Decimal(-10) / 3, Decimal("1E+20")])
"""Numbers for parts that only repeat what others show: drawing any number takes long."""

MONTHS = st.none() | WHOLE
TERMS = st.builds(ServiceTerms, st.none() | FEW, MONTHS, *[st.none() | DAYS] * 3)
ADJUSTMENTS = st.builds(
    Adjustment,
    day=DAYS,
    row=ROWS,
    service=st.none() | WHOLE,
    service_change=TEXT,
    correction=WHOLE,
    is_correction=st.booleans(),
    decided_on=st.none() | DAYS,
    is_transfer=st.booleans(),
    terms=TERMS,
)
INVOICES = st.builds(InvoiceEffect, DAYS, DAYS, FEW, FEW, st.none() | st.tuples(DAYS, DAYS))


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
    under=st.lists(ROWS, max_size=2).map(tuple),
    needs=texts(),
    together=texts(),
    seen=SEEN,
    how=TEXT,
    succeeds=st.none() | ROWS,
    monthly=st.none() | EXACT,
    invoice=st.none() | INVOICES,
    one_off=st.none() | EXACT,
    lost=st.none() | EXACT,
    price_unknown=st.booleans(),
    notes=texts(),
    units=st.none() | st.tuples(WHOLE, WHOLE),
    adjustment=st.none() | ADJUSTMENTS,
    makes=st.none() | st.builds(MadeRecord, TEXT, TEXT, TEXT),
    marks_changes=st.booleans(),
    undoes=TEXT,
    undo_depth=st.integers(0, 3),
)
BLOCKED = st.builds(
    Blocked,
    TEXT,
    TEXT,
    TEXT,
    TEXT,
    st.lists(FINDINGS, max_size=2).map(tuple),
    st.lists(ROWS, max_size=2).map(tuple),
    st.dictionaries(TEXT, WHOLE, max_size=2),
)
HELD = st.builds(HeldUnits, EXACT, TEXT, TEXT, texts(), ROWS)
LINES = st.builds(
    LedgerLine,
    mapping=TEXT,
    key=TEXT,
    name=TEXT,
    record=st.none() | WHOLE,
    customer=TEXT,
    customer_row=st.none() | ROWS,
    under=st.lists(ROWS, max_size=1).map(tuple),
    day=DAYS,
    quantity=st.none() | EXACT,
    units=st.none() | WHOLE,
    pending=EXACT,
    difference=st.none() | EXACT,
    moved=WHOLE,
    held=st.lists(HELD, max_size=1).map(tuple),
    unexplained=st.none() | EXACT,
    class_=st.sampled_from(LedgerClass),
    price=st.none() | EXACT,
    monthly=st.none() | EXACT,
    text=TEXT,
    remedy=TEXT,
    commands=st.lists(COMMANDS, max_size=1).map(tuple),
)
AMOUNTS = st.builds(Amount, WHOLE, FEW, FEW, WHOLE)
MONEYS = st.builds(Money, FEW, FEW)
TOTALS = st.builds(
    LedgerTotals,
    under=AMOUNTS,
    over=AMOUNTS,
    moved=AMOUNTS,
    held=AMOUNTS,
    held_by_reason=st.lists(st.builds(HeldTotal, TEXT, AMOUNTS), max_size=1).map(tuple),
    unexplained=AMOUNTS,
    unknown=WHOLE,
)
SUMMARIES = st.builds(
    Summary,
    source_rows=WHOLE,
    source_tables=WHOLE,
    records=WHOLE,
    read_calls=WHOLE,
    apply_calls=WHOLE,
    monthly=EXACT,
    prices_unknown=WHOLE,
    prices_zero=WHOLE,
    actions=st.dictionaries(TEXT, WHOLE, max_size=2),
    blocked=WHOLE,
    held=WHOLE,
    run_rate=MONEYS,
    invoice=MONEYS,
    one_off=MONEYS,
    lost=EXACT,
    credit=EXACT,
    ledger=TOTALS,
    rows_gone=st.lists(st.builds(GoneRows, TEXT, WHOLE, WHOLE), max_size=1).map(tuple),
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
    left_out=st.lists(st.builds(LeftOut, TEXT, TEXT, texts(), TEXT, cause=TEXT), max_size=1).map(
        tuple
    ),
    ledger=st.lists(LINES, max_size=1).map(tuple),
    exceeded=st.lists(st.builds(GuardExceeded, TEXT, TEXT, TEXT), max_size=1).map(tuple),
    summary=SUMMARIES,
    selection=TEXT,
    outside=st.none() | st.builds(Outside, WHOLE, WHOLE, WHOLE, WHOLE),
    undo_of=TEXT,
    systems=st.dictionaries(TEXT, TEXT, max_size=2),
    names=st.builds(SystemNames, TEXT, TEXT),
    owners=st.builds(OwnerMappings, TEXT, texts(), texts()),
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
            values={
                "since": date(2026, 11, 15),
                "at": datetime(2026, 11, 15, 9, tzinfo=UTC),
                "parent": Unknown("c"),
            },
            seen=Preconditions(units=(UnitRow(1, date(2026, 1, 1), date(2026, 1, 31), 5),)),
            monthly=Decimal(10) / 3,
            invoice=InvoiceEffect(
                date(2026, 11, 1),
                date(2026, 11, 30),
                Decimal(21),
                first_billed=(date(2026, 11, 1), date(2026, 11, 30)),
            ),
            units=(1, 2),
            adjustment=Adjustment(date(2026, 11, 15), RowRef("subscription", "s1", "Premium")),
            makes=MadeRecord("a", "b", "c"),
        ),
    ),
    waves=(("customer:a1",),),
    findings=(),
    blocked=(Blocked("a", "b", "c", "d", (), (RowRef("x", "y", "z"),), {"contract": 1}),),
    left_out=(),
    ledger=(),
    exceeded=(),
    summary=Summary(1, 1, 1, 1, 1, Decimal("0.1"), 0, 0, {"update": 1}, 1, 0),
)

PARTIAL = PartialRead("Companies", 1204, 3, "2026-11-30T04:12:00Z", "2026-11-29T08:00:00Z")


@pytest.mark.parametrize(
    ("values", "is_same"),
    [
        ({"partial_reads": (PARTIAL,)}, True),
        ({"serial": 1}, False),
    ],
    ids=["partial_reads", "serial"],
)
def test_a_plan_from_changes_is_the_same_as_one_from_a_full_read(values, is_same):
    other = replace(PLAN, **values)

    assert (other == PLAN, other != PLAN) == (is_same, not is_same)


@SLOW
@given(PLANS)
def test_any_plan_is_written_as_json_writes_it_and_read_back(plan):
    """Two properties in one, as drawing plans takes longer than both."""
    text = dumps(plan)
    again = loads(text)

    assert text == as_json_writes(plan)
    assert again == plan
    assert kinds(again) == kinds(plan)
    assert dumps(again) == text
    assert dumps(copy_of(plan)) == text
    assert plan_id(text) == plan_id(text.encode().decode())


def as_json_writes(plan):
    document = {"format": FORMAT, **encode(plan)}
    del document["partial_reads"]  # it stands outside of what the digest is about
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    readable = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
    return with_digest(readable + "\n")


def copy_of(plan):
    """An equal plan that is another object: the document depends on nothing but the plan."""
    return replace(plan, **asdict(plan))


def kinds(plan):
    """The types of all free-form values. JSON writes a decimal that is whole as a whole number."""
    whole = {Decimal: "number", int: "number"}
    return [
        [
            whole.get(type(value), type(value))
            for value in (*change.values.values(), *change.owned.values())
        ]
        + [
            whole.get(type(part), type(part))
            for one in change.fields
            for part in (one.before, one.after)
        ]
        for change in plan.changes
    ]


def test_the_document_is_written_in_pieces_that_do_not_grow_with_the_plan():
    class File(io.BytesIO):
        longest = 0

        def write(self, data):
            self.longest = max(self.longest, len(data))
            return super().write(data)

    ids = [f"x:{number:050}" for number in range(300)]
    changes = tuple(replace(PLAN.changes[0], id=id_) for id_ in ids)
    file = File()

    write(replace(PLAN, changes=changes, waves=(tuple(ids),)), file)

    assert len(file.getvalue()) > 300_000
    assert file.longest < 5_000
    assert len(loads(file.getvalue().decode()).changes) == 300


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**11), max_value=10**11
    )
)
def test_money_of_fifteen_digits_is_an_exact_number_of_json(money):
    written = encode(money)
    assert isinstance(written, int | float)
    assert json.loads(json.dumps(written), parse_float=Decimal) == money


def test_a_decimal_that_no_number_of_json_holds_is_kept_by_its_digits():
    third = Decimal(1) / 3
    plan = replace(
        PLAN,
        changes=(
            replace(PLAN.changes[0], monthly=third, values={"price": third, "text": str(third)}),
        ),
    )
    written = json.loads(dumps(plan))["changes"][0]
    assert written["monthly"] == str(third)
    assert written["values"] == {"price": {"decimal": str(third)}, "text": str(third)}
    assert loads(dumps(plan)) == plan


@pytest.mark.parametrize(
    "referring",
    [
        {"values": {"parent": Unknown("customer:b")}},
        {"owned": {"parent": Unknown("customer:b")}},
        {"adjustment": replace(PLAN.changes[0].adjustment, service_change="customer:b")},
    ],
    ids=["values", "owned values", "service"],
)
def test_a_plan_that_refers_to_what_no_change_of_it_creates_is_not_complete(referring):
    plan = replace(PLAN, changes=(replace(PLAN.changes[0], values={}),))
    assert loads_complete(dumps(plan)) == plan
    lacking = replace(plan, changes=(replace(plan.changes[0], **referring),))

    with pytest.raises(EngineError) as refused:
        loads_complete(dumps(lacking))

    assert str(refused.value) == (
        "this plan is not complete: customer:a1 refers to what customer:b creates, "
        "and the plan does not have that one: plan again"
    )


@pytest.mark.parametrize(
    "number",
    ["1E+999999999", "-1E-999999999", "0E+999999999", "1E+400", "123456789.123456789123456789"],
)
def test_a_number_of_any_size_is_written_without_filling_memory(number):
    plan = replace(PLAN, summary=replace(PLAN.summary, monthly=Decimal(number)))
    assert len(dumps(plan)) < len(dumps(PLAN)) + 50
    assert loads(dumps(plan)) == plan


def test_the_document_has_the_values_of_the_plan():
    document = json.loads(dumps(PLAN))
    assert document["format"] == FORMAT
    assert document["as_of"] == {"day": "2026-11-15"}
    change = document["changes"][0]
    assert change["place"] == "mappings/customer.yaml:3:1"
    assert change["action"] == "update"
    assert change["fields"][0]["reason"] == "source"
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
    assert len(plan_id(text)) == 64
    assert loads(text).source == "Zürich \ud800 \U0001f600"


def test_a_place_in_a_file_whose_name_has_colons_is_read_back():
    plan = replace(PLAN, changes=(replace(PLAN.changes[0], place=Place("C:/x:y.yaml", 3, 1)),))
    assert loads(dumps(plan)) == plan


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "   ",
            "plan",
            "[]",
            "[1]",
            "5",
            "null",
            "true",
            '"text"',
            "{}",
            "{",
            '{"format"',
            '{"plan": 1}',
        ),
        *(
            "\x00",
            "[" * 100_000,
            '{"a":' * 100_000,
            '{"format": NaN}',
            '{"format": 1, "as_of": Infinity}',
        ),
        '{"format": ' + "1" * 5_000 + "}",
    ],
)
def test_what_is_no_plan_is_refused_with_a_remedy(text):
    with pytest.raises(
        EngineError, match=r"this is not a plan: make one with `trueup plan --out FILE`"
    ):
        loads(text)


@pytest.mark.parametrize("version", [0, 3, "1", "2", None, [], {}])
def test_a_plan_of_another_format_is_refused(version):
    with pytest.raises(
        EngineError, match=r"this plan has format .*, this trueup reads 1 and 2: plan again"
    ):
        loads(json.dumps({**json.loads(dumps(PLAN)), "format": version}))


def resealed(document):
    """The document of one who can make a digest: as JSON says it, whatever it holds."""
    rest = {name: part for name, part in document.items() if name != "digest"}
    text = json.dumps(rest, indent=1)
    return with_digest(text) if text.startswith(f'{{\n "format": {FORMAT},\n') else text


ALTERED = r"this plan was changed or cut short since it was made .*: plan again"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("29683", "29684"),
        ("+41", "+42"),
        (" 1", "  1"),
        ("}\n", "}"),
        ('"format": 2,', '"format":2,'),
        ('"+41"', "null"),
    ],
)
def test_a_plan_that_was_edited_is_not_taken_for_the_one_that_was_reviewed(old, new):
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
        loads(json.dumps({"format": FORMAT, **without, **rest}, indent=1) + "\n")


def test_a_plan_is_known_by_the_digest_that_is_in_it():
    text = dumps(PLAN)
    assert plan_id(text) == json.loads(text)["digest"]
    assert plan_id(dumps(replace(PLAN, serial=1))) != plan_id(text)
    assert loads(resealed(json.loads(text))) == PLAN
    with pytest.raises(EngineError, match="this is not a plan"):
        plan_id("{}")


def test_what_was_not_read_in_full_is_in_the_third_line_and_changes_no_digest():
    text = dumps(replace(PLAN, partial_reads=(PARTIAL, PARTIAL)))
    lines = text.splitlines(keepends=True)

    assert lines[3].startswith(' "partial_reads": [{"entity": "Companies", "records": 1204, ')
    assert "".join([*lines[:3], *lines[4:]]) == dumps(PLAN)
    assert loads(text).partial_reads == (PARTIAL, PARTIAL)
    assert plan_id(text) == plan_id(dumps(PLAN))
    assert loads(dumps(PLAN)).partial_reads == ()


@pytest.mark.parametrize(
    "line",
    [
        ' "partial_reads": [], "serial": [9],\n',
        ' "partial_reads": [],\n "partial_reads": [],\n',
        ' "partial_reads": 5,\n',
        ' "partial_reads": [5],\n',
        ' "partial_reads": [{"entity": "Companies"}],\n',
        ' "reads": [],\n',
    ],
)
def test_nothing_else_may_be_outside_of_the_digest(line):
    lines = dumps(PLAN).splitlines(keepends=True)

    with pytest.raises(EngineError, match=r"damaged|was changed"):
        loads("".join([*lines[:3], line, *lines[3:]]))


def leaves(data, path=()):
    yield path
    if isinstance(data, dict | list):
        for name, item in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(item, (*path, name))


WRITTEN = dumps(PLAN)
DOCUMENT = json.loads(WRITTEN)
BROKEN = [
    5,
    1.5,
    "x",
    None,
    True,
    [],
    {},
    [[]],
    {"day": 5},
    {"day": "x"},
    {"unknown": 1, "day": 2},
    {"decimal": "x"},
]


@pytest.mark.parametrize(
    "path", [path for path in leaves(DOCUMENT) if path], ids=lambda path: ".".join(map(str, path))
)
def test_a_part_that_is_missing_or_of_another_kind_is_refused_or_is_as_good(path):
    for broken in (..., *BROKEN):
        document = json.loads(WRITTEN)
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
            refusals = (
                "the plan is damaged (",
                "this is not a plan",
                "this plan has format",
                "this plan was changed",
            )
            assert str(fault).startswith(refusals)  # noqa: PT017 -- or it is as good
        else:
            assert loads(dumps(plan)) == plan


@pytest.mark.parametrize(
    ("verb", "rest", "command"),
    [
        ("decide", "create --reason …", Command.decide("customer", "a1", Verdict.CREATE)),
        (
            "decide",
            "push --on DAY --reason …",
            Command.decide("customer", "a1", Verdict.PUSH, "--on DAY"),
        ),
        ("decide", "succeed --of 'b 2' --reason …", Command.succeed("customer", "a1", "b 2")),
        ("link", "29683", Command.link("customer", "a1", 29683)),
        ("link", "ID", Command.link("customer", "a1")),
        ("state forget", "--reason …", Command.forget("customer", "a1")),
        ("state show", "", Command("state show", "customer", "a1")),
    ],
)
def test_the_text_after_the_key_of_a_command_is_read_from_earlier_documents(verb, rest, command):
    document = json.loads(dumps(PLAN))
    old = {"verb": verb, "mapping": "customer", "key": "a1", "rest": rest}
    finding = Finding("code", Severity.HOLD, "why")
    document["findings"] = [{**encode(finding), "commands": [old]}]

    (read,) = loads(resealed(document)).findings[0].commands

    assert read == command
    assert str(read) == f"trueup {verb} customer a1 {rest}".strip()


EARLIER = (Path(__file__).parent / "plan_format_2.json").read_text(encoding="utf-8")
"""A document with all the parts that format 2 had before `repriced`. Do not replace it by a
newer one: it must be readable as long as this version reads format 2."""


def test_a_document_of_an_earlier_version_is_read_whatever_was_added_since():
    plan = loads(EARLIER)

    earlier, now = json.loads(EARLIER), json.loads(dumps(plan))
    assert without_additions(now, earlier) == {**earlier, "digest": now["digest"]}


def without_additions(now, earlier):
    """Returns the parts of a document that an earlier one has too."""
    if isinstance(earlier, list):
        return [without_additions(*parts) for parts in zip(now, earlier, strict=True)]
    if isinstance(earlier, dict):
        return {name: without_additions(now[name], part) for name, part in earlier.items()}
    return now


def test_a_ledger_line_of_an_earlier_document_has_no_other_price():
    assert [line.repriced for line in loads(EARLIER).ledger] == [0]


def test_a_wave_names_changes_of_its_plan():
    document = json.loads(dumps(PLAN))
    document["waves"] = [["customer:a1"], ["customer:a2"]]
    with pytest.raises(
        EngineError,
        match=r"damaged \(a wave names customer:a2, which is no change of it\): plan again",
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
def test_a_document_with_any_characters_changed_is_refused(data):
    text = dumps(PLAN)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    broken = (
        text[:start] + data.draw(st.text(alphabet='{}[]":,0e-NaI\\ud8x\n', max_size=6)) + text[end:]
    )
    assume(broken != text)
    with pytest.raises(EngineError):
        loads(broken)


@given(st.data())
def test_a_document_resealed_with_any_characters_changed_is_a_plan_or_is_refused(data):
    text = resealed(json.loads(dumps(PLAN)))
    start = data.draw(st.integers(100, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    broken = (
        text[:start] + data.draw(st.text(alphabet='{}[]":,0e-NaI\\ud8x\n', max_size=6)) + text[end:]
    )
    head, _, rest = broken.split("\n", 3)[1:]
    try:
        loads(with_digest("{\n" + head + "\n" + rest))
    except EngineError as fault:
        assert str(fault).startswith("the plan is damaged (")  # noqa: PT017 -- or it is as good


def test_free_form_values_of_any_depth_are_encoded():
    assert encode(
        {"a": [1, (Decimal("1.5"), {"b": date(2026, 1, 1)})], 5: Severity.ERROR, "none": None}
    ) == {
        "a": [1, [1.5, {"b": {"day": "2026-01-01"}}]],
        "5": "error",
        "none": None,
    }


# Names of changes, for output about runs


def test_names_of_changes_are_read_without_the_rest():
    (names,) = change_names(dumps(PLAN))
    assert names == ChangeNames("customer:a1", "customer", ("a1",), "Alpine")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"changes": 5}', '{"changes": [{"id": 1}]}'])
def test_a_document_that_cannot_be_read_names_no_changes(text):
    assert change_names(text) == []
