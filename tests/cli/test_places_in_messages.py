"""Errors in a command line or a tenant name what is wrong, and its place."""

import json

import pytest
from trueup.errors import EngineError
from trueup.operations.rows import resolve_key


def edit(work, file, old, new):
    path = work / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def place_of(work, file, key):
    """The place of the value of a key that the file has once: `file:line:column`."""
    lines = (work / file).read_text().splitlines()
    ((line, text),) = [
        (number, text) for number, text in enumerate(lines, 1) if text.lstrip().startswith(key)
    ]
    return f"{file}:{line}:{len(text) - len(text.lstrip()) + 1}"


PLANNING = [("plan",), ("apply", "--yes"), ("rehearse",)]


@pytest.mark.parametrize("command", PLANNING, ids=" ".join)
def test_an_unknown_user_defined_field_is_reported_with_its_place(work, trueup, command):
    edit(
        work, "mappings/customer.yaml", "identity: {udf.Work 365 Id:", "identity: {udf.Work 365 ID:"
    )

    code, out, err = trueup(*command)

    assert (code, out) == (1, "")
    assert "mappings/customer.yaml:20:12: error: this tenant's Companies have no " in err
    assert "no user-defined field 'Work 365 ID'" in err
    assert "did you mean 'udf.Work 365 Id'?" in err


def test_doctor_finds_a_user_defined_field_that_the_tenant_has_not(work, trueup):
    edit(
        work, "mappings/customer.yaml", "identity: {udf.Work 365 Id:", "identity: {udf.Work 365 ID:"
    )

    code, out, _ = trueup("doctor")

    assert code == 1
    assert (
        "mappings/customer.yaml:20:12: error: this tenant's Companies have no user-defined field"
        in out
    )


def test_doctor_names_the_setting_that_is_at_fault(work, trueup):
    edit(work, "trueup.yaml", "services: Cloud subscriptions", "services: Cloud subscription")

    code, out, _ = trueup("doctor")

    assert code == 1
    assert (
        "settings.billing_codes.services: there is no BillingCodes with name 'Cloud subscription'"
        in out
    )


def tenant_with(path, *labels):
    """Labels of Services.periodType in the tenant, whose catalogue trueup knows only in part."""
    seed = json.loads(path.read_text())
    picks = seed.setdefault("picklists", {}).setdefault("Services", {})
    picks["periodType"] = [
        {"value": value, "label": label} for value, label in enumerate(labels, 2)
    ]
    path.write_text(json.dumps(seed))


def test_a_period_that_the_tenant_calls_otherwise_stops_the_plan(work, trueup, few_companies):
    tenant_with(few_companies, "Monthly fee", "Quarterly", "Semi-Annual", "Yearly")
    assert trueup("sandbox", "reset")[0] == 0

    for command in PLANNING:
        code, out, err = trueup(*command)

        assert (command, code, out) == (command, 1, "")
        place = place_of(work, "mappings/subscription.yaml", "months:")
        assert f"{place}: error: price: 'Monthly' is not in this tenant's picklist of " in err
        assert "service.periodType\n    → did you mean 'Monthly fee'?" in err


def test_a_period_that_months_does_not_name_is_reported_where_prices_are_unknown(work, trueup):
    edit(
        work,
        "mappings/subscription.yaml",
        "{Monthly: 1, Quarterly: 3, Semi-Annual: 6, Yearly: 12}",
        "{Monthly: 1}",
    )

    code, out, _ = trueup("plan")

    assert code == 0
    periods = "service.periodType may be Quarterly, Semi-Annual, Yearly"
    assert f"prices are unknown; {periods}, which `months` does not name" in out
    assert place_of(work, "mappings/subscription.yaml", "months:") in out


def test_files_that_are_not_read_are_reported_by_the_plan_too(work, trueup):
    (work / "rules" / "more.yml").write_text("rules: []\n")

    code, out, _ = trueup("plan", "--json", "--out", "plan.json", "--fail-on", "warnings")

    assert code == 1
    found = json.loads(out)["findings"]
    assert [
        (one["severity"], one["text"], one["remedy"]) for one in found if one["code"] == "project"
    ] == [("warning", "is not read", "name it more.yaml")]
    assert "rules/more.yml" in trueup("show", "plan.json")[1]
    assert trueup("rehearse", "plan.json")[0] == 0


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("a", "2 keys of customer start with 'a': ab12 (Alpine), ac34: give more of it"),
        (
            "AB",
            "one key of customer starts with 'AB', ab12 (Alpine): give at least 4 characters of it",
        ),
        (
            "x",
            (
                "there is no row 'x' of customer: "
                "give its key, or the start of it, as the plan shows it"
            ),
        ),
        ("Alpin", "there is no row 'Alpin' of customer: give its key; did you mean 'Alpine'?"),
    ],
)
def test_too_short_a_start_of_a_key_is_refused(given, error):
    with pytest.raises(EngineError) as refused:
        resolve_key(given, {"ab12": "Alpine", "ac34": "", "9f": "Birken"}, "customer")

    assert str(refused.value) == error


def test_a_decision_that_would_never_hold_is_refused(work, trueup):
    before = (work / "mappings" / "decisions.yaml").read_bytes()

    code, out, err = trueup(
        "decide", "customer", "Alpine Dental AG", "ignore", "--reason", "x", "--until", "2026-11-14"
    )

    assert (code, out) == (1, "")
    assert err == (
        "error: the last day 2026-11-14 is past: plans are made for 2026-11-15, "
        "so it would never hold\n"
    )
    assert (work / "mappings" / "decisions.yaml").read_bytes() == before
    code, _, _ = trueup(
        *("decide", "customer", "Alpine Dental AG", "ignore", "--reason", "x", "--no-preview"),
        *("--until", "2026-11-15"),
    )
    assert code == 0


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (("plan", "--json", "--foo"), "No such option '--foo'."),
        (("nope", "--json"), "No such command 'nope'."),
        (("sandbox", "--json"), "Options come after the command: trueup sandbox COMMAND --json"),
        (("--json", "plan"), "Options come after the command: trueup COMMAND --json"),
        (("plan", "--json", "--fail-on", "nothing"), "--fail-on nothing: choose from "),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_reported_as_json_too(trueup, line, error):
    code, out, err = trueup(*line)

    assert code == 64
    assert json.loads(out)["error"].startswith(error)
    assert error in err


def test_the_version_as_json(trueup):
    for line in (("--version", "--json"), ("--json", "--version")):
        code, out, err = trueup(*line)
        assert (code, err) == (0, "")
        assert list(json.loads(out)) == ["version"]
