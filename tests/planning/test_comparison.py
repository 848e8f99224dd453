"""What a change of configuration does to a plan."""

from decimal import Decimal

from msgspec.structs import replace
from trueup.model.change import Action, RowRef
from trueup.model.plan import LedgerClass
from trueup.planning.comparison import compare
from trueup.render.comparison_money import invoices

from tests.support.scene import Scene, autotask, day
from tests.support.small_project import changed, project, settings

STREET = changed(
    "mappings/customer.yaml",
    '  phone: "{{ source.phone }}"\n',
    '  phone: "{{ source.phone | upper }}"\n  address1: "{{ source.street }}"\n',
)


def compared(*changes, scene=None, before=()):
    """The comparison of the small project with these changes of it."""
    scene = scene or Scene(records=autotask())
    scene.project = project(*before)
    first = scene.plan()
    scene.project = project(*before, *changes)
    return compare(first, scene.plan(), "main")


def test_a_comment_makes_no_difference():
    found = compared(
        changed("mappings/customer.yaml", "\nmapping:", "\n# The customers.\nmapping:")
    )

    assert not found.differs
    assert found.before.changes[0].place != found.after.changes[0].place


def test_fields_that_another_mapping_writes_differ():
    scene = Scene(records=autotask())
    scene.source.tables["account"]["acc"] |= {"phone": "2a", "street": "Mill Lane 1"}

    found = compared(STREET, scene=scene)

    (pair,) = found.changes
    assert (pair.before.id, pair.after.id, pair.facts) == ("customer:acc", "customer:acc", ())
    shown = [
        (one.before and one.before.shown_after, one.after and one.after.shown_after)
        for one in pair.fields
    ]
    assert shown == [("2a", "2A"), (None, "Mill Lane 1")]


def test_a_change_that_one_plan_lacks_appears_and_vanishes():
    never = changed("mappings/customer.yaml", "\ntarget:", "\ncreate: never\ntarget:")

    found = compared(never, scene=Scene())
    back = compare(found.after, found.before, "here")

    names = {pair.change.id for pair in found.changes if pair.after is None}
    assert "customer:acc" in names
    assert {pair.change.id for pair in back.changes if pair.before is None} == names
    assert {one.mapping for one in found.newly_left_out} >= {"contract", "subscription"}
    assert back.no_longer_left_out == found.newly_left_out


def test_rows_of_one_name_are_left_out_each_by_its_key():
    """Two accounts of one name, of which each configuration leaves out another one."""
    scene = Scene()
    scene.source.tables["account"]["acc"] |= {"phone": "1"}
    scene.source.tables["account"]["other"] = {
        **scene.source.tables["account"]["acc"],
        "id": "other",
        "number": "A-2",
        "phone": "2",
    }

    found = compared(without_phone("1"), scene=scene, before=(without_phone("2"),))

    assert [one.keys for one in found.newly_left_out if one.mapping == "customer"] == [("acc",)]
    assert [one.keys for one in found.no_longer_left_out if one.mapping == "customer"] == [
        ("other",)
    ]


def without_phone(phone: str):
    """The change of the small project that leaves out customers with this phone."""
    return changed(
        "rules/rules.yaml",
        "\nrules:\n",
        "\nrules:\n"
        "  - {rule: ours, for: customer, severity: skip, message: Not ours., remedy: Wait.,\n"
        f"     assert: \"{{{{ source.phone != '{phone}' }}}}\"}}\n",
    )


def test_a_create_that_becomes_an_update_is_one_pair():
    blind = changed(
        "mappings/contract.yaml",
        'contractName: "{{ source.name }}"\nfields',
        "contractName: nothing\nfields",
    )
    scene = Scene(records=autotask())
    scene.target.records["Contracts"][501]["contractNumber"] = None

    found = compared(scene=scene, before=(blind,))
    scene.project = project()
    pairs = {pair.change.mapping: pair for pair in compare(found.after, scene.plan(), "a").changes}

    pair = pairs["contract"]
    assert (str(pair.before.action), str(pair.after.action)) == ("create", "update")
    assert {"action", "record"} <= set(pair.facts)


def test_a_rule_blocks_rows_and_its_removal_releases_them():
    lax = changed("rules/rules.yaml", 'assert: "{{ source.phone }}"', 'assert: "{{ true }}"')
    scene = Scene(records=autotask())
    scene.source.tables["account"]["acc"]["phone"] = None

    found = compared(lax, scene=scene)
    back = compare(found.after, found.before, "here")

    assert (found.newly_blocked, back.released) == ((), ())
    assert next((row.mapping, row.key) for row in found.released) == ("customer", "acc")
    assert back.newly_blocked == found.released


def test_lines_of_the_ledger_move():
    none = changed(
        "mappings/subscription.yaml",
        "source.quantity if source.state",
        "source.quantity - 2 if source.state",
    )

    found = compared(none)

    (pair,) = found.ledger
    assert (pair.before.quantity, pair.after.quantity) == (Decimal(12), Decimal(10))
    assert pair.before.class_ is LedgerClass.UNKNOWN
    assert pair.line is pair.after


def test_a_limit_that_only_one_plan_is_over():
    strict = changed("trueup.yaml", 'creates: {"*": 50}', 'creates: {"*": 0}')

    found = compared(strict, scene=Scene())
    back = compare(found.after, found.before, "here")

    assert {one.kind for one in found.newly_exceeded} == {"creates"}
    assert back.no_longer_exceeded == found.newly_exceeded
    assert found.no_longer_exceeded == ()
    assert not found.changes


def test_a_setting_moves_the_day_of_a_change():
    later = settings(changes_from="2026-11-01")

    found = compared(later)

    assert found.differs
    assert found.after.as_of == day(11, 15)


def test_another_label_of_customers_makes_no_difference():
    upper = changed(
        "mappings/customer.yaml",
        "tab: Customers\n",
        'tab: Customers\nlabel: "{{ source.name | upper }}"\n',
    )
    periods = changed(
        "mappings/subscription.yaml",
        "  difference: hold",
        "  periods: {start: contract.startDate, end: contract.endDate}\n  difference: hold",
    )

    found = compared(upper, scene=Scene(), before=(periods,))

    assert any(change.invoice for change in found.after.changes)
    assert (found.differs, invoices(found)) == (False, [])


def test_another_name_of_the_row_that_is_taken_over_from_makes_no_difference():
    plan = Scene(records=autotask()).plan()
    link = next(change for change in plan.changes if change.action is Action.LINK)

    def taking_over(name):
        taken = replace(link, succeeds=RowRef("subscription", "old", name))
        return replace(plan, changes=(taken,))

    assert not compare(taking_over("Mail"), taking_over("MAIL"), "here").differs
