"""Plans, findings, outcomes and runs as a terminal shows them, whole."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.model.approval import ApprovalStated, Statement
from trueup.model.audit import (
    AuditEntry,
    ChangesSettled,
    LinkForgotten,
    LockTaken,
    RunClosed,
    SettledChange,
    SystemsAdopted,
    TextOnly,
)
from trueup.model.change import Action, Change, FieldChange, Reason, RowRef, Unknown
from trueup.model.doubt import ChangeInDoubt
from trueup.model.finding import Advice, Command, Finding, Place, Severity
from trueup.model.history import RunsOverview, UndoneBy
from trueup.model.outcome import ChangeStatus, Outcome
from trueup.model.plan import HeldUnits, LedgerClass, LeftOut, Outside
from trueup.model.run import Lease, Link, Pushed
from trueup.model.state_overview import RowState, StateOverview
from trueup.model.verdict import Verdict
from trueup.render.audit import audit_json, audit_text, event_text
from trueup.render.finding_text import findings_text
from trueup.render.formatting import sentence
from trueup.render.history import NONE, run_text, runs_text
from trueup.render.markdown import plan_markdown
from trueup.render.outcome import RESOLVE, RESOLVE_SOME, WAIT, outcome_text
from trueup.render.state import overview_text, row_text
from trueup.render.style import Style
from trueup.render.text import plan_text
from trueup.render.view import Arrangement, GroupBy
from trueup.stages.ledger_totals import totals

from tests.render.conftest import CUSTOMER, ended, ledger

ZURICH = ZoneInfo("Europe/Zurich")


BY_TAB = Arrangement(group=GroupBy.TAB)


def section(text, title):
    """The lines of a page from that title to the next empty line."""
    found = [part for part in text.split("\n\n") if part.split("  ")[0].split("\n")[0] == title]
    assert len(found) == 1, text
    return found[0].removesuffix("\n")


def needs(plan, **more):
    """What the page says needs a person, without the columns of figures."""
    lines = section(plan_text(plan, **more), "Needs a person").splitlines()[1:]
    return [re.sub(r" {3,}(blocked|held|differs|not known).*", r"  [\1]", line) for line in lines]


def advised(finding, *advice):
    """The finding with a remedy made of text and commands."""
    made = Advice.of(*advice)
    return replace(finding, remedy=made.text, commands=made.commands)


def test_a_plan_with_one_of_everything(a_plan, golden):
    golden("plan.txt", plan_text(a_plan))


def test_verbose_unfolds_what_was_folded(a_plan, golden):
    golden("plan_verbose.txt", plan_text(a_plan, verbose=True))


def test_two_systems_that_agree(nothing):
    assert plan_text(nothing) == (
        "Work 365   examples/work365   1,084 rows, 7 tables\n"
        "Autotask   sandbox              214 records, 9 calls\n"
        "As of      2026-11-15\n"
        "\n"
        "No changes. Work 365 and Autotask agree.\n"
    )


def test_a_difference_in_the_ledger_is_no_agreement(nothing, a_plan):
    under = [line for line in a_plan.ledger if line.class_ is LedgerClass.UNDER_BILLED]
    assert plan_text(replace(nothing, ledger=tuple(under))).endswith(
        "\n\nPlan: nothing to change.\n"
    )


def test_a_selection_and_an_undo_say_so(nothing):
    text = plan_text(replace(nothing, selection="only customer 7"))
    assert "As of      2026-11-15\nA part     only customer 7\n\n" in text
    outside = Outside(rows=2, changes=1, blocked=3, held=0)
    text = plan_text(replace(nothing, selection="only customer 7", outside=outside))
    assert (
        "A part      only customer 7\nNot shown   2 rows, 1 change, 3 blocked, 0 held\n\n" in text
    )
    assert text.endswith("Plan: nothing to change.\n")
    text = plan_text(replace(nothing, selection="undoes run r7", undo_of="r7"))
    assert "As of      2026-11-15\nUndoes     run r7\n\nCan be signed   There is nothing" in text
    assert text.endswith("\n\nPlan: nothing to change.\n")
    assert text.startswith(
        "Work 365   examples/work365\nAutotask   sandbox   "
    )  # an undo reads no rows


def test_what_was_not_read_in_full_is_named(in_part):
    plan, text = in_part
    assert text in " ".join(plan_text(plan).split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Also too long.", "Al: Also too long."),
        ("Al is too long.", "Al is too long."),
        ("The name 'Al' is too long.", "The name 'Al' is too long."),
    ],
)
def test_a_finding_names_its_row_unless_its_text_does(nothing, text, shown):
    finding = Finding("odd", Severity.WARNING, text, name="Al")
    found = section(plan_text(replace(nothing, findings=(finding,))), "Findings")
    assert found.splitlines()[1:] == [f"  warning   {shown}"]


def test_findings_with_the_very_same_to_say_are_one_line_and_named(nothing):
    links = [
        advised(
            Finding("link-stays", Severity.INFO, "its link stays", mapping="customer", key=f"k{n}",
                    name=f"Customer {n}"),
            Command.forget("customer", f"k{n}"),
        )
        for n in range(3)
    ]  # fmt: skip
    plan = replace(nothing, selection="undoes run r7", undo_of="r7", findings=tuple(links))
    assert plan_text(plan).split("Findings\n")[1].splitlines()[:3] == [
        "  info   3 customers: its link stays",
        "            → `trueup state forget customer KEY --reason …`",
        "            Customer 0; Customer 1; Customer 2 (-v shows each)",
    ]
    assert "k2" in plan_text(plan, verbose=True)
    assert "**3 customers** info: its link stays" in plan_markdown(plan)
    assert "k2" in plan_markdown(plan, verbose=True)
    two = replace(plan, findings=tuple(links[:2]))
    assert "Customer 1: its link stays" in plan_text(two)


def test_records_that_an_undo_deactivates_alike_are_shown_together(nothing):
    off = FieldChange("isActive", 1, 0, Reason.UNDO, "yes", "no")
    gone = replace(off, reason=Reason.SOURCE)
    changes = [
        Change(f"c{n}", Action.DEACTIVATE, "customer", (f"k{n}",), f"Customer {n}",
               "Customers", "Companies",
               Place("m.yaml"), record=n, fields=(off,))
        for n in range(3)
    ]  # fmt: skip
    assert "- 3 customers   Companies   to be switched off" in plan_text(
        replace(nothing, changes=tuple(changes))
    )
    each = [replace(change, fields=(gone,)) for change in changes]
    assert "- Customer 2   Companies 2   to be switched off" in plan_text(
        replace(nothing, changes=tuple(each))
    )


def test_ten_creates_of_one_kind_are_one_line(a_plan):
    create = next(change for change in a_plan.changes if change.action is Action.CREATE)
    many = tuple(replace(create, id=f"c{n}", name=f"New customer {n}") for n in range(10))
    text = plan_text(
        replace(a_plan, changes=many, blocked=(), findings=(), ledger=(), left_out=(), exceeded=()),
        arrangement=BY_TAB,
    )
    assert section(text, "Customers") == (
        "Customers\n"
        "  + 10 customers   Companies, new   2 fields each (-v shows them)\n"
        "      New customer 0; New customer 1; New customer 2; New customer 3 and 6 more"
    )


def test_many_updates_with_values_of_their_own_show_three_and_count_the_rest(a_plan):
    update = next(change for change in a_plan.changes if change.id == "t1")
    changed = replace(update.fields[0], field="companyName", reason=Reason.MAPPING)
    many = tuple(
        replace(
            update,
            id=f"u{n}",
            name=f"Customer {n:02}",
            fields=(replace(changed, shown_after=f"Renamed {n:02}"),),
        )
        for n in range(20)
    )
    text = plan_text(
        replace(a_plan, changes=many, blocked=(), findings=(), ledger=(), left_out=(), exceeded=()),
        arrangement=BY_TAB,
    )
    assert section(text, "Customers") == (
        "Customers\n"
        "  ~ Customer 00         Companies 1\n"
        "      companyName  Lead  →  Renamed 00  mapping changed\n"
        "  ~ Customer 01         Companies 1\n"
        "      companyName  Lead  →  Renamed 01  mapping changed\n"
        "  ~ Customer 02         Companies 1\n"
        "      companyName  Lead  →  Renamed 02  mapping changed\n"
        "  ~ 17 customers more   Companies     companyName, each with values of its own "
        "(-v shows them)"
    )


def test_links_are_counted_by_how_they_were_found_unless_they_replace_a_value(a_plan):
    link = a_plan.changes[0]
    matched = [replace(link, id=f"m{n}", name=f"Matched {n}") for n in range(12)]
    known = [replace(link, id=f"i{n}", name=f"Known {n}", how="identity") for n in range(12)]
    renames = FieldChange("name", "Old", "New", Reason.FIRST, "Old", "New")
    renamed = [replace(one, id=f"r{one.id}", fields=(renames,)) for one in matched[:4]]
    plan = replace(a_plan, changes=(*matched, *known, *renamed))
    text = plan_text(plan)
    assert "  → 12 services   Services      found by match\n" in text
    assert "  → 12 services   Services      found by its identity\n" in text
    assert text.count("name  Old  →  New  first alignment\n") == 4
    assert plan_text(plan, verbose=True).count("→ Matched ") == 16


def test_a_link_takes_the_update_of_its_record_and_only_names_what_was_empty(a_plan):
    link = replace(a_plan.changes[0], keys=("s1",), name="Basic")
    old = replace(
        a_plan.changes[1].fields[1], field="name", shown_before="M365 Basic", shown_after="Basic"
    )
    new = replace(old, field="externalID", before=None, shown_before="", shown_after="4711")
    update = replace(
        link, id="u", action=Action.UPDATE, how="", fields=(old, new), notes=("a note",)
    )
    text = plan_text(replace(a_plan, changes=(link, update)))
    assert section(text, "(no customer)") == (
        "(no customer)\n"
        "  → Basic   Services 12   found by match, fills externalID\n"
        "      name  M365 Basic  →  Basic  changed in Work 365\n"
        "      A note"
    )
    verbose = plan_text(replace(a_plan, changes=(link, update)), verbose=True)
    assert "      externalID  –           →  4711   changed in Work 365\n" in verbose


def test_changes_are_sorted_by_mapping_and_name_whatever_their_wave(a_plan):
    link = a_plan.changes[0]
    mark = replace(link, id="w", name="beta", action=Action.WRITE_BACK, entity="product")
    links = (replace(link, id=name, name=name, keys=(name,)) for name in ("beta", "Alpha", "gamma"))
    plan = replace(a_plan, changes=(mark, *links))
    names = [line.split()[1] for line in section(plan_text(plan), "(no customer)").splitlines()[1:]]
    assert names == ["Alpha", "beta", "gamma"]
    shown = section(plan_text(plan, verbose=True), "(no customer)").splitlines()[1:]
    assert [line.split()[1] for line in shown] == ["Alpha", "beta", "gamma", "beta"]


def test_rows_with_the_same_to_say_are_one_from_three_on(nothing, a_plan):
    rows = tuple(
        replace(a_plan.blocked[0], key=f"log{n}", mapping="license_change") for n in range(3)
    )
    assert needs(replace(nothing, blocked=rows)) == [
        '  ! 3 license changes: "n/a" is not a phone number in GB  [blocked]',
        "      → Enter a main phone on the account in Work 365",
        "      Cedar & Vine Catering; Cedar & Vine Catering; Cedar & Vine Catering (-v shows each)",
        "      holds back 3 contacts, 3 contracts, 9 subscriptions, 12 license changes",
    ]
    assert plan_text(replace(nothing, blocked=rows), verbose=True).count("! Cedar") == 3
    assert plan_text(replace(nothing, blocked=rows[:2])).count("! Cedar") == 2


def test_long_values_are_cut_where_they_still_differ(a_plan):
    update = next(change for change in a_plan.changes if change.id == "t1")
    lorem = "All work is billed by the calendar month and in advance, "
    changed = replace(
        update.fields[0], shown_before=lorem + "net 30 days", shown_after=lorem + "net 60 days"
    )
    text = plan_text(replace(a_plan, changes=(replace(update, fields=(changed,)),)))
    assert "companyType  …ance, net 30 days  →  …ance, net 60 days  mapping changed\n" in text


def test_a_row_that_waits_for_another_one_is_counted_with_that_one_alone(nothing, a_plan):
    at_fault, depends, _ = a_plan.blocked
    found = needs(replace(nothing, blocked=(at_fault, depends)))
    assert [line for line in found if "!" in line] == [
        '  ! Cedar & Vine Catering: "n/a" is not a phone number in GB  [blocked]'
    ]
    assert found[-1] == (
        "      holds back 1 contact, 1 contract, 3 subscriptions, 4 license changes"
    )


def test_a_row_at_fault_that_waits_as_well_shows_for_what(nothing, a_plan):
    chain = (RowRef("contract", "k", "Main"), RowRef("customer", "c", "Gone GmbH"))
    row = replace(a_plan.blocked[0], because=chain)
    assert "      waits for contract Main ← customer Gone GmbH\n" in plan_text(
        replace(nothing, blocked=(row,))
    )


def test_what_needs_a_person_is_shown_as_far_as_a_page_goes_and_the_rest_summed_up(nothing, a_plan):
    rows = tuple(faulty(a_plan.blocked[0], n) for n in range(20))
    text = plan_text(replace(nothing, blocked=rows))
    assert text.count("is no phone") == 5
    assert "\n  and 15 more" in text
    assert "\n      15 customers (-v shows them, `trueup show FILE" in text
    assert plan_text(replace(nothing, blocked=rows), verbose=True).count("is no phone") == 20


def faulty(row, n):
    """A blocked row with words of its own."""
    finding = replace(row.findings[0], text=f"{n} is no phone")
    return replace(row, key=f"c{n}", name=f"Customer {n}", findings=(finding,))


def test_rows_that_wait_for_the_same_decision_show_the_command_once_without_their_keys(
    nothing, a_plan
):
    row, wait = a_plan.blocked[0], "was undone: it waits for a decision"
    rows = [
        replace(
            row,
            key=key,
            name=f"Customer {key}",
            mapping="license_change",
            findings=(
                advised(
                    replace(row.findings[0], text=wait),
                    Command.decide("license_change", key, Verdict.PUSH),
                ),
            ),
        )
        for key in ("1", "2", "3")
    ]
    assert needs(replace(nothing, blocked=tuple(rows)))[:3] == [
        "  ! 3 license changes: Was undone: it waits for a decision  [blocked]",
        "      → `trueup decide license_change KEY push --reason …`",
        "      Customer 1; Customer 2; Customer 3 (-v shows each)",
    ]


def test_a_key_in_a_command_is_cut_to_what_the_command_takes_and_nothing_else_is(nothing, a_plan):
    key = "f7059e8a-16f5-53ea-b0b1-3437aa26880c"
    command, text = Command.link("customer", key, 7), f", or look for {key}"
    remedy = f"`{command}`{text}"
    row = a_plan.blocked[0]
    row = replace(row, findings=(advised(row.findings[0], command, text),))
    plan = replace(nothing, blocked=(row,))
    assert f"→ `trueup link customer f7059e8a 7`, or look for {key}\n" in plan_text(plan)
    assert f"→ {remedy}\n" in plan_text(plan, verbose=True)


def test_a_difference_needs_a_person_and_what_is_held_counts_where_it_is_held(nothing):
    price, key = Decimal("3.20"), "f7059e8a-16f5-53ea-b0b1-3437aa26880c"
    advice = Advice.of(Command.decide("subscription", key, Verdict.CORRECT))
    sent = replace(
        ledger(LedgerClass.UNDER_BILLED, "Exchange Online P1", (20, 18, 0), price),
        text="nothing explains it",
        remedy=advice.text,
        commands=advice.commands,
    )
    stopped = HeldUnits(Decimal(2), "posted", "its period is posted", ("9",), CUSTOMER)
    waits = ledger(LedgerClass.UNDER_BILLED, "Visio", (20, 18, 2), price, "", (stopped,))
    lines = (sent, waits, waits)
    plan = replace(nothing, ledger=lines, summary=replace(nothing.summary, ledger=totals(lines)))
    text = plan_text(plan)
    assert section(text, "Needs a person").splitlines() == [
        "Needs a person                                          units   a month",
        "  ! Dunmore Surveyors: Its period is posted   held         +4   +£12.80",
        "  ! Exchange Online P1: Nothing explains it   differs      +2    +£6.40",
        "      → `trueup decide subscription f7059e8a correct --reason …`",
    ]
    assert section(text, "Billed now").splitlines() == [
        "Billed now                 units   a month",
        "  Billed too little            6    £19.20   3 lines",
        "  Billed too much              0     £0.00",
        "    this plan moves            0     £0.00",
        "    held or blocked           +4   +£12.80   2 lines",
        "    explained by nothing      +2    +£6.40   1 line",
    ]
    assert "\nLedger " not in text
    verbose = section(plan_text(plan, verbose=True), "Ledger").splitlines()
    assert verbose[1].split() == [
        *[
            "under-billed",
            "Dunmore",
            "Surveyors,",
            "Exchange",
            "Online",
            "P1",
            "20",
            "18",
            "+2",
            "+£6.40",
        ]
    ]
    assert verbose[2:4] == [
        "      Nothing explains it",
        f"      → `trueup decide subscription {key} correct --reason …`",
    ]


def test_a_row_that_only_waits_is_held_not_blocked(nothing, a_plan):
    finding = replace(a_plan.blocked[0].findings[0], severity=Severity.HOLD)
    row = replace(a_plan.blocked[0], findings=(finding,))
    assert needs(replace(nothing, blocked=(row,)))[0].endswith("GB  [held]")


def test_what_is_held_without_a_row_of_the_plan_needs_a_person_too(nothing):
    held = tuple(
        Finding("posted", Severity.HOLD, f"period {n} is posted", mapping="other", key=f"{n}")
        for n in range(9)
    )
    found = needs(replace(nothing, findings=held))
    assert found[0] == "  ! 0: Period 0 is posted  [held]"
    assert found[-1].startswith("      4 others (-v shows them")


def test_findings_of_one_code_fold_and_verbose_unfolds(nothing):
    shown = tuple(
        Finding("odd", Severity.WARNING, f"number {n} is odd", name=f"Row {n}") for n in range(10)
    )
    text = plan_text(replace(nothing, findings=shown))
    assert (
        "  warning   Row 7: number 7 is odd\n            and 2 more of these (-v shows them)\n"
        in text
    )
    assert text.endswith("No changes. Work 365 and Autotask agree.\n")
    assert "Row 9: number 9 is odd" in plan_text(replace(nothing, findings=shown), verbose=True)


def test_a_finding_of_a_left_out_group_is_not_shown_twice(nothing):
    skip = Finding(
        "not-billable", Severity.SKIP, "S1 is not billable", mapping="subscription", key="s1"
    )
    text = plan_text(
        replace(
            nothing,
            findings=(skip,),
            left_out=(LeftOut("subscription", "not billable", ("S1",), "not-billable"),),
        )
    )
    assert "Findings" not in text
    assert "Left out\n  1 subscription   Not billable\n      S1\n" in text


def test_a_name_cannot_move_the_cursor_or_turn_the_line_around(a_plan):
    evil = "Evil\x1b[2J\u202eLtd\nNo changes."
    text = plan_text(replace(a_plan, changes=(replace(a_plan.changes[0], name=evil),)))
    assert "  → Evil\\x1b[2J\\u202eLtd No changes.   Services 12   found by match\n" in text


def test_wide_letters_keep_the_columns_in_line(a_plan):
    link = a_plan.changes[0]
    names = ("株式会社アルプス", "Alpine")
    text = plan_text(
        replace(a_plan, changes=tuple(replace(link, id=name, name=name) for name in names))
    )
    assert (
        "  → Alpine             Services 12   found by match\n  → 株式会社アルプス   Services 12"
        in text
    )


def test_colours_are_around_text_and_never_in_the_padding(a_plan):
    style = Style(add=lambda text: f"<g>{text}</g>")
    text = plan_text(a_plan, style)
    assert "  <g>+ Brightwater Logistics Ltd</g>      Companies, new   2 fields" in text
    assert text.replace("<g>", "").replace("</g>", "") == plan_text(a_plan)


def test_a_value_that_is_unknown_until_apply_is_shown_so_in_a_create(a_plan):
    create = next(change for change in a_plan.changes if change.action is Action.CREATE)
    fields = (
        replace(create.fields[0], field="parentCompanyID", after=Unknown("x"), shown_after=""),
    )
    text = plan_text(replace(a_plan, changes=(replace(create, fields=fields),)), verbose=True)
    assert "      parentCompanyID   (known after apply)\n" in text


def test_findings_are_written_as_compilers_write_them():
    found = [
        Finding(
            "x",
            Severity.ERROR,
            "'expresion' is no key",
            "did you mean expression?",
            Place("mappings/a.yaml", 6, 5),
        ),
        Finding("y", Severity.WARNING, "unused"),
    ]
    assert findings_text(found) == (
        "mappings/a.yaml:6:5: error: 'expresion' is no key\n"
        "    → did you mean expression?\n"
        "warning: unused\n"
    )


def test_an_outcome_with_everything(outcome, golden):
    golden("outcome.txt", outcome_text(outcome))


def test_a_verbose_outcome_names_what_went_through(outcome):
    assert (
        "Applied\n  ✓ Alpine Dental AG   customer\n\nAlready as wanted\n  ✓ Elm & Oak   customer\n"
        in outcome_text(outcome, verbose=True)
    )


def test_an_interrupted_apply_shows_how_to_continue():
    done = ended("1", "Alpine", ChangeStatus.APPLIED)
    outcome = Outcome("r1", (done,), interrupted=True, calls=1, remaining=3)
    assert outcome_text(outcome) == (
        "Run r1: 1 applied, 3 not tried. 1 API call.\n"
        "Run `trueup apply --resume` to continue where it stopped.\n"
    )
    assert not outcome.complete


def test_what_was_skipped_is_counted_under_the_change_at_the_head_of_its_chain():
    skipped = (
        ("contract:k", "Main", "Ashdown"),
        ("subscription:s", "Visio", "Main"),
        ("license_change:l", "Visio", "Visio"),
        ("license_change:l:mark", "Visio", "Visio"),
    )
    waits = [
        ended(
            id_,
            name,
            ChangeStatus.SKIPPED,
            id_.split(":")[0],
            Action.WRITE_BACK if id_.endswith(":mark") else Action.UPDATE,
            text=f"waits for {of}",
            because=of,
        )
        for id_, name, of in skipped
    ]
    held = ended("customer:a", "Ashdown", ChangeStatus.HELD, text="its row has changed")
    outcome = Outcome("r1", (held, *waits))
    assert outcome_text(outcome).startswith(
        "Held\n"
        "  ! Ashdown   customer\n"
        "      its row has changed\n"
        "\n"
        "Skipped (`trueup history show r1` shows each)\n"
        "  ! 1 contract, 1 subscription, 2 license changes   because of Ashdown\n"
        "      Main; Visio\n"
        "\n"
    )
    each = outcome_text(outcome, verbose=True).split("\n\n")[1].splitlines()
    assert each == [
        "Skipped",
        "  ! Main    contract                   because of Ashdown",
        "  ! Visio   subscription               because of Main",
        "  ! Visio   license change             because of Visio",
        "  ! Visio   license change, its mark   because of Visio",
    ]


def test_a_run_that_was_ended_is_not_advised_to_be_resumed():
    skipped = ended("customer:a", "Alpine", ChangeStatus.SKIPPED, text="it has changed")
    text = outcome_text(Outcome("r1", (skipped,), calls=4, stopped="the configuration has changed"))
    assert text.endswith("Run `trueup plan`: it holds exactly what is left.\n")


def test_a_run_that_stopped_with_a_change_in_doubt_shows_when_it_is_settled():
    until = datetime(2026, 11, 15, 9, 5, 2, tzinfo=UTC)
    doubt = ended("customer:a", "Alpine", ChangeStatus.IN_DOUBT, until=until)
    text = outcome_text(Outcome("r1", (doubt,), calls=4, remaining=10))
    assert text.endswith(
        "Run `trueup apply --resume` to continue where it stopped.\n" + WAIT + "\n"
    )


@pytest.mark.parametrize(
    ("remaining", "before"),
    [(10, "Run `trueup apply --resume` to continue where it stopped.\n"), (0, "4 API calls.\n")],
)
def test_a_doubt_that_reading_cannot_settle_is_left_to_its_remedy(remaining, before):
    remedy = "look in Autotask, then `trueup state settle customer:a landed|absent --reason …`"
    doubt = ended("customer:a", "Alpine", ChangeStatus.IN_DOUBT, remedy=remedy)
    text = outcome_text(Outcome("r1", (doubt,), calls=4, remaining=remaining))
    assert text.endswith(f"{before}{RESOLVE}\n")


@pytest.mark.parametrize("remaining", [10, 0])
def test_of_two_doubts_reading_is_promised_to_settle_only_the_one_that_it_can(remaining):
    until = datetime(2026, 11, 15, 9, 5, 2, tzinfo=UTC)
    doubts = (
        ended("customer:a", "Alpine", ChangeStatus.IN_DOUBT, remedy="look in Autotask"),
        ended("customer:b", "Brook", ChangeStatus.IN_DOUBT, until=until),
    )
    text = outcome_text(Outcome("r1", doubts, calls=4, remaining=remaining))
    assert text.endswith(f"\n{RESOLVE_SOME}\n")


def test_a_run_whose_records_could_not_be_read_back_is_advised_to_be_resumed():
    applied = ended("customer:a", "Alpine", ChangeStatus.APPLIED)
    text = outcome_text(Outcome("r1", (applied,), calls=4, stopped="away", has_unread=True))
    assert text.endswith("Run `trueup apply --resume` to continue where it stopped.\n")


def test_an_outcome_with_a_refusal_advises_to_plan_again():
    outcome = Outcome("r1", (ended("1", "Alpine", ChangeStatus.FAILED, text="No."),))
    assert outcome_text(outcome).endswith("Run `trueup plan`: it holds exactly what is left.\n")
    again = "Run `trueup plan --undo r0`: it holds exactly what is left.\n"
    assert outcome_text(replace(outcome, undo_of="r0")).endswith(again)


def test_an_apply_without_changes_reports_that_nothing_was_written():
    assert outcome_text(Outcome("r1", ())) == "Nothing was written. 0 API calls.\n"


def test_a_run_is_shown_in_full(run_history, golden):
    golden("run.txt", run_text(run_history, ZURICH))


def test_runs_are_in_a_table(run_history):
    first = replace(run_history.run, id="first")
    runs = RunsOverview([first, replace(first, id="second", undo_of="1")])
    assert runs_text(runs, ZURICH, "GBP").splitlines() == [
        "Run      Started                     Status            Who                 Plan",
        "first    2026-11-15 09:00:00+01:00   applied in part   anna on billing-1   dddddddddddd",
        (
            "second   2026-11-15 09:00:00+01:00   applied in part   anna on billing-1   "
            "dddddddddddd   undoes 1"
        ),
    ]
    assert runs_text(RunsOverview([]), ZURICH, "GBP") == NONE


def test_a_run_that_was_undone_shows_it(run_history):
    later = replace(run_history.run, id="second", undo_of=run_history.run.id)
    once = UndoneBy(later, 1)
    runs = RunsOverview([run_history.run, later], undone={run_history.run.id: [once]})
    assert runs_text(runs, ZURICH, "GBP").splitlines()[1].endswith("   undone by second")
    text = "by run second of 2026-11-15 09:00:00+01:00: all of its 1 change"
    assert f"Undone    {text}\n" in run_text(replace(run_history, undone=[once]), ZURICH)
    twice = [replace(once, changes=0, undone_by=("third",))]
    text = (
        "by run second of 2026-11-15 09:00:00+01:00: 0 of its 1 change; undone in turn by run third"
    )
    assert f"Undone    {text}\n" in run_text(replace(run_history, undone=twice), ZURICH)


def test_the_state_of_a_row_is_shown_in_full():
    link = Link("license_change", "9", "ContractServices", 7, "match")
    proof = ({"id": 4, "units": 15},)
    pushed = Pushed("license_change", "9", 7, date(2026, 11, 15), 3, "c1", "r1", proof, marked=True)
    assert row_text(RowState("Alpine, Mail", link, {"unitChange": 3}, pushed), ZURICH) == (
        "Name     Alpine, Mail\n"
        "Record   ContractServices 7\n"
        "How      match\n"
        "Pushed   +3 units from 2026-11-15, contract service 7\n"
        "By       change c1 of run r1\n"
        "Marked   yes\n"
        "Proof    id 4, units 15\n"
        "Values last applied\n"
        "  unitChange   3\n"
    )
    assert row_text(RowState(link=link), ZURICH) == "Record   ContractServices 7\nHow      match\n"


def audited(event, reason="", run=""):
    at = datetime(2026, 11, 15, 8, 30, 0, 7, UTC)
    return AuditEntry(1, at, "anna", "billing-1", reason, event, run)


def test_the_audit_shows_who_when_what_and_why(run_history):
    forgotten = audited(LinkForgotten("customer", "7", "Alpine"), "linked to the wrong one")
    forced = audited(LockTaken("anna", "b1", forced=True), "it burnt\x1b[31m")
    forced = replace(forced, who="ben", host="b2")
    ended = replace(forced, reason="", event=LockTaken("anna", "b1", forced=False))
    audit = [forgotten, forced, ended]
    text = audit_text(audit, ZURICH, "GBP")
    assert text == (
        "Audit trail\n"
        "  2026-11-15 09:30:00+01:00   anna on billing-1   forget customer 7, Alpine           "
        "   because: linked to the wrong one\n"
        "  2026-11-15 09:30:00+01:00   ben on b2           took the lock of anna on b1 by force"
        "   because: it burnt\\x1b[31m\n"
        "  2026-11-15 09:30:00+01:00   ben on b2           took over the lock of anna on b1    "
        "   because: that run had ended without giving it back\n"
    )
    assert runs_text(RunsOverview([run_history.run], audit), ZURICH, "GBP").endswith(f"\n\n{text}")
    assert runs_text(RunsOverview([], audit), ZURICH, "GBP") == NONE + text
    assert run_text(replace(run_history, audit=audit), ZURICH).count(text) == 1
    assert row_text(RowState(audit=audit), ZURICH) == text
    assert audit_json(audit, ZURICH, "GBP")[0] == {
        "what": "forget customer 7, Alpine", "reason": "linked to the wrong one", "who": "anna",
        "host": "billing-1",
        "at": "2026-11-15 09:30:00+01:00", "run": "",
    }  # fmt: skip
    assert audit_text([], ZURICH, "GBP") == ""


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (LinkForgotten("customer", "A, B-7"), "forget customer A, B-7"),
        (
            ChangesSettled((SettledChange("a1", landed=True), SettledChange("a2", landed=False))),
            "settle a1 landed, a2 absent",
        ),
        (RunClosed(), "settle r1 closed"),
        (SystemsAdopted({"source": "o", "target": "b"}), "adopt o, b"),
        (TextOnly("link"), "link"),
        (
            ApprovalStated(Statement.WITHDRAW, "5b1c77aa90ef12345", Decimal(40)),
            "withdrew the statement on plan 5b1c77aa90ef, which moves £40.00",
        ),
    ],
    ids=repr,
)
def test_each_kind_of_edit_reads_as_its_command(event, text):
    assert event_text(audited(event, run="r1"), "GBP") == text


def test_the_overview_shows_links_what_needs_attention_and_the_latest_edits(run_history):
    since = datetime(2026, 11, 15, 8, tzinfo=UTC)
    overview = StateOverview(
        [Link("customer", "7", "Companies", 29683, "match")],
        {("customer", "7"): "Alpine"},
        Lease(4, "anna", "billing-1", 71, since, since),
        [run_history.run],
        [ChangeInDoubt("r1", "c1", "Alpine", since)],
        [audited(LinkForgotten("customer", str(key))) for key in range(7)],
    )
    assert overview_text(overview, ZURICH, "GBP") == (
        "Mapping    Key   Name     Record            How\n"
        "customer   7     Alpine   Companies 29683   match\n"
        "\n"
        "Locked by anna on billing-1 since 2026-11-15 09:00:00+01:00.\n"
        "Run 20261115-090000-7f3a is applied in part: `trueup apply --resume` continues it.\n"
        "In doubt since 2026-11-15 09:00:00+01:00: Alpine (change c1 of run r1).\n"
        "\n"
        "Audit trail\n"
        + "".join(
            f"  2026-11-15 09:30:00+01:00   anna on billing-1   forget customer {key}\n"
            for key in range(2, 7)
        )
    )
    nothing = StateOverview([], {})
    assert overview_text(nothing, ZURICH, "GBP") == (
        "No links yet: nothing was applied from this project.\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("looks like Services 622", "Looks like Services 622"),
        ("enter a phone", "Enter a phone"),
        ("contractNumber is 5 in Autotask", "contractNumber is 5 in Autotask"),
        ("udf.Work 365 Id is empty", "udf.Work 365 Id is empty"),
        ("billing_code is unknown", "billing_code is unknown"),
        ("`trueup link customer a 5`", "`trueup link customer a 5`"),
        ("2 records fit", "2 records fit"),
        ("", ""),
    ],
)
def test_a_line_begins_with_a_capital_unless_it_begins_with_a_name(text, shown):
    assert sentence(text) == shown
