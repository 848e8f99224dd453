"""Rows, fields and lines of the ledger in situations that are hard to explain."""

from decimal import Decimal

import pytest
from trueup.errors import EngineError
from trueup.model.change import Action, Reason
from trueup.model.explanation import FieldStatus, RowStatus, RuleStatus
from trueup.model.mapping import PolicyPart
from trueup.pipeline import PlanOptions, plan_with_context
from trueup.planning.explaining.ledger import explain_line
from trueup.planning.explaining.money import explain_change
from trueup.planning.explaining.rows import explain_row
from trueup.planning.explaining.rules import rules_about
from trueup.planning.explaining.subjects import RowSubject, find_subject

from tests.support.scene import Scene, account, day, log, subscription
from tests.support.small_project import changed

CUSTOMER, SUBSCRIPTION = "mappings/customer.yaml", "mappings/subscription.yaml"


class Explained:
    """A scene's plan with what it was made from."""

    def __init__(self, scene: Scene, **options) -> None:
        made = plan_with_context(scene.project, scene.world, PlanOptions(**options, explained=True))
        self.plan, self.context = made.plan, made.context

    def row(self, mapping="customer", key="acc"):
        return explain_row(self.context, self.plan, mapping, key)

    def field(self, name, mapping="customer", key="acc"):
        return next(one for one in self.row(mapping, key).fields if one.name == name)

    def line(self, key="sub"):
        line = next(one for one in self.plan.ledger if one.key == key)
        return explain_line(self.context, self.plan, line)

    def change(self, action):
        change = next(one for one in self.plan.changes if one.action is action)
        return explain_change(self.context, self.plan, change)

    def subject(self, what):
        return find_subject(self.context, self.plan, what)


def settled() -> Scene:
    scene = Scene()
    scene.sync()
    return scene


def test_a_row_is_explained_under_the_title_of_its_mapping():
    scene = Scene()
    scene.files(changed(CUSTOMER, "title: Account → Company", "title: Kunde → Firma"))

    assert Explained(scene).row().title == "Kunde → Firma"


def test_an_edit_in_the_target_shows_both_values_and_the_one_written_last():
    scene = settled()
    scene.target.patch("Companies", scene.target.only("Companies")["id"], {"phone": "99"})

    field = Explained(scene).field("phone")

    assert (field.wanted, field.actual, field.last_written) == ("1", "99", "1")
    assert (field.status, field.reason, field.before) == (FieldStatus.WRITTEN, Reason.DRIFT, "99")


def test_a_field_that_is_set_once_has_a_note():
    scene = settled()
    scene.target.patch("Companies", scene.target.only("Companies")["id"], {"companyType": 3})

    field = Explained(scene).field("companyType")

    assert (field.status, field.last_written) == (FieldStatus.KEPT, None)


def test_a_value_that_cannot_be_evaluated_shows_what_it_uses():
    scene = Scene()
    scene.files(changed(CUSTOMER, '"{{ source.phone }}"', '"{{ source.phone + 1 }}"'))

    field = Explained(scene).field("phone")

    assert field.wanted == "cannot be evaluated: + cannot be used on text and a number"
    [formula] = field.formulas
    assert formula.failed == "+ cannot be used on text and a number"
    assert [(one.name, one.value) for one in formula.uses] == [("source.phone", "1")]
    assert field.status is FieldStatus.LEFT


def test_a_cell_that_cannot_be_read_has_the_reason():
    scene = settled()
    scene.source.unread["account", "acc"] = {"phone"}

    row = Explained(scene).row()

    assert row.status is RowStatus.BLOCKED
    phone = next(one for one in row.fields if one.name == "phone")
    [formula] = phone.formulas
    assert 'account acc, phone: "oops" cannot be read' in formula.uses[0].unreadable


def test_a_row_that_is_gone_has_no_fields_and_shows_what_switches_its_record_off():
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    scene.files(changed(CUSTOMER, "when_missing: report", "when_missing: deactivate"))
    del scene.source.tables["account"]["b"]

    explained = Explained(scene)
    row = explained.row(key="b")

    assert (row.status, row.name, row.fields) == (RowStatus.GONE, "Brook Ltd", ())
    [(name, formula)] = explained.change(Action.DEACTIVATE).sets
    assert (name, formula.result, formula.place.file) == ("isActive", False, CUSTOMER)


def test_a_row_out_of_scope_shows_the_condition():
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1", state="Inactive"))

    row = Explained(scene).row(key="b")

    assert row.status is RowStatus.OUT_OF_SCOPE
    assert row.scope is not None
    assert (row.scope.text, row.scope.result) == ("{{ source.state == 'Active' }}", False)


def test_rules_after_the_one_that_stops_the_row_are_not_reached():
    scene = Scene()
    scene.files(
        {
            "rules/more.yaml": """
rules:
  - {rule: has-phone, for: customer, assert: "{{ source.phone }}", severity: error,
     message: "no phone", remedy: "enter one"}
  - {rule: has-city, for: customer, when: "{{ source.city }}", assert: "{{ source.city != 'x' }}",
     severity: warning, message: "odd", remedy: "correct it"}
  - {rule: keeps-name, for: customer, on: record, assert: "{{ after.companyName }}",
     severity: error, message: "no name", remedy: "enter one"}
"""
        }
    )
    scene.row("account")["phone"] = None

    rules = {one.name: one.status for one in Explained(scene).row().rules}

    assert rules["has-phone"] is RuleStatus.FAILS
    assert rules["has-city"] is RuleStatus.DOES_NOT_APPLY
    assert rules["keeps-name"] is RuleStatus.NOT_REACHED

    scene.row("account")["phone"] = "1"
    rules = {one.name: one.status for one in Explained(scene).row().rules}
    assert rules["has-phone"] is RuleStatus.HOLDS
    assert rules["keeps-name"] is RuleStatus.HOLDS

    explained = Explained(scene)
    mapping = scene.project.mappings["customer"]
    assert rules_about(explained.context, mapping, "phone") == {
        "customer-has-a-phone",
        "has-phone",
    }
    assert rules_about(explained.context, mapping, "companyName") == {"keeps-name"}


def test_the_policy_of_a_row_is_that_of_its_override():
    scene = Scene()
    policy = "policy: {minimum: 5, overrides: [{customer: Alpine Dental, minimum: 20}]}\nledger:\n"
    scene.files(changed(SUBSCRIPTION, "ledger:\n", policy))

    line = Explained(scene).line()

    [part] = line.policy
    assert (part.part, part.formula.result) == (PolicyPart.MINIMUM, 20)
    assert part.formula.place.file == SUBSCRIPTION
    assert (line.quantity.result, line.line.quantity) == (Decimal(12), Decimal(20))
    assert "minimum 20" in line.pending[0].notes[0]


def test_pending_changes_name_the_change_that_sends_them_or_why_they_wait():
    scene = Scene()
    scene.row("license_change", "second")["provisioning_status"] = "Failed"

    line = Explained(scene).line()

    sent, held = line.pending
    assert (sent.change, sent.held) == ("license_change:first", "")
    assert (held.change, held.day, held.units) == ("", day(11, 20), Decimal(2))
    assert held.held


def test_a_service_that_is_created_takes_its_price_from_its_row():
    line = Explained(Scene()).line()

    assert line.line.record is None
    assert line.units == ()
    values = {one.path: one.value for one in (*line.prices, line.per)}
    assert values["service.unitPrice"] == Decimal(10)
    assert values["service.periodType"] == "Monthly"


def test_a_line_with_a_row_that_is_gone_counts_as_zero():
    scene = settled()
    del scene.source.tables["subscription"]["sub"]

    line = Explained(scene).line()

    assert (line.quantity, line.counts_as_zero) == (None, "its row is gone")


def test_a_change_names_the_rows_that_it_waits_for_and_rows_that_moved_since():
    scene = Scene()
    saved = scene.plan()
    scene.row("subscription")["quantity"] = Decimal(13)
    explained = Explained(scene)
    adjust = next(one for one in saved.changes if one.action is Action.ADJUST)

    change = explain_change(explained.context, saved, adjust)

    assert [(one.mapping, one.key) for one in change.needs] == [("subscription", "sub")]
    assert [(one.table, one.key) for one in change.moved] == [("subscription", "sub")]


def test_names_with_dots_and_fields_with_dots_are_distinguished():
    scene = Scene()
    scene.row("account")["name"] = "St. John Ltd."
    explained = Explained(scene)

    assert explained.subject("customer:St. John Ltd.") == RowSubject("customer", "acc")
    assert explained.subject("St. John Ltd.") == RowSubject("customer", "acc")
    assert explained.subject("customer:St. John Ltd..phone") == RowSubject(
        "customer", "acc", "phone"
    )
    assert explained.subject("customer:acc.udf.Work 365 Id") == RowSubject(
        "customer", "acc", "udf.Work 365 Id"
    )


def test_lines_of_the_same_name_are_candidates():
    scene = Scene()
    scene.add("subscription", subscription("sub-2", product="yea"))
    scene.add("license_change", log("third", day(10, 5), 12, subscription="sub-2"))

    with pytest.raises(EngineError, match=r"may be any of 2 lines: ledger:subscription:sub"):
        Explained(scene).subject("ledger:Alpine Dental, Mail")
