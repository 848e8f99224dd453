"""JSON, CSV, Markdown and graphs: what programs and other people's pages read."""

import csv
import io
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.model.change import Action
from trueup.model.finding import Place
from trueup.model.history import RunsOverview
from trueup.model.mapping import (
    FieldSpec,
    Linked,
    MappingSpec,
    MatchKey,
    Reference,
    SourceSpec,
    TargetSpec,
    Value,
)
from trueup.model.run import Link
from trueup.render import graph
from trueup.render.changes import where
from trueup.render.csv_ import history_csv
from trueup.render.json_ import findings_json, links_json, outcome_json, run_json, runs_json
from trueup.render.markdown import plan_markdown
from trueup.render.markdown_parts import literal
from trueup.render.plan_csv import plan_csv
from trueup.render.plan_tables import TableKind

from tests.render.conftest import change

ZURICH = ZoneInfo("Europe/Zurich")
HERE = Place("mappings/x.yaml", 1, 1)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_markdown_of_a_plan_with_one_of_everything(a_plan, golden):
    golden("plan.md", plan_markdown(a_plan))


def test_verbose_markdown_shows_every_field(a_plan, golden):
    golden("plan_verbose.md", plan_markdown(a_plan, verbose=True))


def test_markdown_of_nothing_is_one_line_and_its_source(nothing):
    assert plan_markdown(nothing) == (
        "## No changes. Work 365 and Autotask agree.\n\n"
        "Work 365: examples/work365, 1,084 rows; Autotask: sandbox, 214 records; "
        "as of 2026-11-15.\n"
    )


def test_markdown_shows_selection_and_undo(nothing):
    assert "as of 2026-11-15; a part: only customer 7.\n" in plan_markdown(
        replace(nothing, selection="only customer 7")
    )
    undo = replace(nothing, selection="undoes run r_7", undo_of="r_7")
    assert "as of 2026-11-15; undoes run r\\_7.\n" in plan_markdown(undo)


def test_markdown_names_what_was_not_read_in_full(in_part):
    plan, text = in_part
    assert f"in part: {text}; as of" in plan_markdown(plan).replace("\\", "")


def test_markdown_obeys_nothing_that_is_in_a_name():
    name = "<b>@me</b> #1 https://x.y www.z.q $1 $2 | `a` [x](y) __d__ \x1b[0m"
    assert literal(name) == (
        "&lt;b&gt;@<!-- -->me&lt;/b&gt; #<!-- -->1 https<!-- -->://x.y www<!-- -->.z.q "
        "&#36;1 &#36;2 "
        "\\| \\`a\\` \\[x\\](y) \\_\\_d\\_\\_ \\\\x1b\\[0m"
    )


@pytest.mark.parametrize("table", TableKind)
def test_csv_of_a_plan(a_plan, golden, table):
    golden(f"plan_{table}.csv", plan_csv(a_plan, table))


def test_a_spreadsheet_computes_nothing_from_names(a_plan):
    link = a_plan.changes[0]
    names = (
        '=HYPERLINK("http://x")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\uff1d1",
        "\r\n=2",
        "|cmd",
        "plain",
    )
    text = plan_csv(
        replace(a_plan, changes=tuple(replace(link, name=name) for name in names), ledger=())
    )
    cells = [row["name"] for row in rows_of(text)]
    assert cells == [
        '\'=HYPERLINK("http://x")',
        "'+1",
        "'-1",
        "'@SUM(A1)",
        "'=1",
        "'=1",
        "'\uff1d1",
        "'=2",
        "'|cmd",
        "plain",
    ]


ADJUSTED = change("a", Action.ADJUST, "license_change", "A", record=7, values={"n": 1, "id": 7})


@pytest.mark.parametrize(
    ("one", "text", "record"),
    [
        (ADJUSTED, "ContractServiceAdjustments for id 7", "id 7"),
        (replace(ADJUSTED, record=None), "ContractServiceAdjustments, new", ""),
        (replace(ADJUSTED, values={}), "ContractServiceAdjustments, new", ""),
        (replace(ADJUSTED, action=Action.UPDATE, entity="Contacts"), "Contacts 7", "7"),
        (
            replace(ADJUSTED, action=Action.WRITE_BACK, entity="license_change"),
            "Work 365 license_change",
            "",
        ),
    ],
)
def test_the_id_of_a_service_is_not_shown_as_one_of_an_adjustment(a_plan, one, text, record):
    plan = replace(a_plan, changes=(one,))

    assert where(one, plan.names) == text
    assert [row["record"] for row in rows_of(plan_csv(plan))] == [record]


def test_figures_stay_figures_in_csv(a_plan):
    rows = rows_of(plan_csv(a_plan, TableKind.LEDGER))
    over = [row for row in rows if row["class"] == "over-billed"]
    assert (over[0]["difference"], Decimal(over[0]["monthly"])) == ("-2", Decimal("-6.40"))


def test_csv_of_a_run(run_history, golden):
    golden("run.csv", history_csv([run_history], ZURICH))


def test_findings_as_json(a_plan):
    finding = json.loads(findings_json(a_plan.findings))["findings"][0]
    assert (finding["code"], finding["place"]) == ("phone-is-valid", "rules/customer.yaml:4:5")


def test_an_outcome_as_json(outcome):
    document = json.loads(outcome_json(outcome))
    assert (document["run"], document["complete"], document["calls"]) == (
        "20261115-090000-7f3a",
        False,
        17,
    )
    assert [change["status"] for change in document["changes"]] == [
        "applied", "already", "failed", "skipped", "in doubt", "held",
    ]  # fmt: skip


def test_json_moves_no_cursor(outcome):
    change = replace(outcome.changes[0], name="\x1b[2J\x9b\u202e株")
    text = outcome_json(replace(outcome, changes=(change,)))
    assert text.isascii()
    assert json.loads(text)["changes"][0]["name"] == "\x1b[2J\x9b\u202e株"


def test_links_and_runs_as_json(run_history):
    link = Link("customer", "7", "Companies", 29683, "match")
    told_link = {
        "mapping": "customer",
        "key": "7",
        "entity": "Companies",
        "record": 29683,
        "how": "match",
    }
    assert json.loads(links_json([link], {("customer", "7"): "Alpine"})) == {
        "links": [{**told_link, "name": "Alpine"}]
    }
    assert json.loads(links_json([link], {}))["links"][0]["name"] == ""
    assert (
        json.loads(runs_json(RunsOverview([run_history.run]), ZURICH, "GBP"))["runs"][0]["started"]
        == "2026-11-15 09:00:00+01:00"
    )
    open_run = replace(run_history.run, ended=None)
    assert (
        json.loads(runs_json(RunsOverview([open_run]), ZURICH, "GBP"))["runs"][0]["ended"] is None
    )


def test_a_run_as_json_holds_each_change_with_its_proof(run_history):
    changes = {
        change["id"]: change
        for change in json.loads(run_json([run_history], ZURICH))["runs"][0]["changes"]
    }
    assert changes["a1"]["status"] == "done"
    assert changes["a1"]["known"]["proof"][0]["units"] == 15
    assert [line["step"] for line in changes["a1"]["journal"]] == ["started", "answered", "done"]
    assert changes["e1"]["status"] == "in doubt"
    assert changes["t1"]["status"] == "not tried"


def test_a_plan_as_mermaid_counts_changes_by_kind_and_wave(a_plan, golden):
    needing = tuple(
        replace(
            change,
            needs=("create-bright", "not in the plan") if change.action is Action.ADJUST else (),
        )
        for change in a_plan.changes
    )
    golden("plan.mmd", graph.mermaid(graph.of_plan(replace(a_plan, changes=needing))))


def test_a_verbose_graph_has_a_node_for_each_change(a_plan, golden):
    quoted = replace(a_plan.changes[0], name='The "Best" \\ <b>')
    plan = replace(a_plan, changes=(quoted, *a_plan.changes[1:]))
    golden("plan_verbose.dot", graph.dot(graph.of_plan(plan, verbose=True)))
    assert '["→ The #34;Best#34; \\ #60;b#62;"]' in graph.mermaid(graph.of_plan(plan, verbose=True))


def test_mappings_as_a_graph_of_their_references():
    def mapping(name, tab, **more):
        return MappingSpec(
            name=name,
            title=name,
            tab=tab,
            source=SourceSpec(name, HERE),
            target=TargetSpec(name.title(), HERE, more.pop("where", {})),
            place=HERE,
            **{"fields": {}, **more},
        )

    def ref(name):
        return FieldSpec("x", Reference(name, Value("{{ source.x }}", HERE), HERE), HERE)

    mappings = {
        "customer": mapping("customer", "Customers"),
        "contact": mapping("contact", "Customers", fields={"companyID": ref("customer")}),
        "contract": mapping(
            "contract",
            "Agreements",
            match=(MatchKey({"companyID": ref("customer")}),),
            identity={"c": ref("gone")},
        ),
        "subscription": mapping(
            "subscription", "Agreements", where={"contractID": Linked("contract", HERE)}
        ),
    }
    assert graph.dot(graph.of_mappings(mappings)) == (
        "digraph trueup {\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        "  subgraph cluster_1 {\n"
        '    label="Customers";\n'
        '    m1 [label="customer: customer → Customer"];\n'
        '    m2 [label="contact: contact → Contact"];\n'
        "  }\n"
        "  subgraph cluster_2 {\n"
        '    label="Agreements";\n'
        '    m3 [label="contract: contract → Contract"];\n'
        '    m4 [label="subscription: subscription → Subscription"];\n'
        "  }\n"
        "  m1 -> m2;\n"
        "  m1 -> m3;\n"
        "  m3 -> m4;\n"
        "}\n"
    )
