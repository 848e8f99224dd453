"""An option that has an effect only with another one, or without it, is refused otherwise."""

import json

import pytest

REFUSED = [
    ("apply --yes --reason why", "--reason goes with --force-lock."),
    ("apply plan.json --reason why", "--reason goes with --force-lock."),
    ("apply --resume --over creates", "--resume takes no --over."),
    ("approve --list --reason why", "--list takes no --reason."),
    ("approve plan.json --list --yes", "--list takes no --yes."),
    ("decide --list --reason why", "--list takes no --reason."),
    ("decide --list --until 2027-01-01", "--list takes no --until."),
    ("decide --list --on 2027-01-01", "--list takes no --on."),
    ("decide customer --list --of x", "--list takes no --of."),
    ("decide --list --yes", "--list takes no --yes."),
    ("decide --list --no-preview", "--list takes no --no-preview."),
    ("decide --list --customer x", "--list takes a MAPPING and nothing else."),
    ("discover --add cr1_site --out x.yaml", "--add takes no --out."),
    ("eval --filters --rule phone", "--filters takes no --rule."),
    ("eval --filters --on ledger", "--filters takes no --on."),
    ("fleet approve acme --no --reason x --over creates", "--no takes no --over."),
    ("fleet worker --host 0.0.0.0", "--host goes with --port."),
    ("plan --compare main --sort name", "--compare takes no --sort."),
    ("plan --compare main --min-amount 0", "--compare takes no --min-amount."),
    ("plan --compare main --group service", "--compare takes no --group."),
    ("show plan.json --format json --sort name", "--format json takes no --sort."),
    ("show plan.json --format csv --min-amount 5", "--format csv takes no --min-amount."),
    ("show plan.json --format xlsx --group tab", "--format xlsx takes no --group."),
    ("state settle x absent --record 7 --reason x", "--record goes with landed."),
    ("state settle x closed --record 7 --reason x", "--record goes with landed."),
    ("test --make customer:x tests", "--make takes no FILES."),
    ("test --make customer:x --only x", "--make takes no --only."),
    ("test --make customer:x --jobs 2", "--make takes no --jobs."),
    ("test --make customer:x --timeout 2", "--make takes no --timeout."),
    ("test --make customer:x --junit x.xml", "--make takes no --junit."),
    ("test --make customer:x --coverage", "--make takes no --coverage."),
    ("test --make customer:x --mutate", "--make takes no --mutate."),
    ("test --mutate --only x", "--mutate takes no --only."),
]


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=[line for line, _ in REFUSED])
def test_an_option_without_effect_is_refused(trueup, line, message):
    code, out, err = trueup(*line.split())

    assert (code, out) == (64, "")
    assert message in err.splitlines()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("plan --json --sort name", "--json takes no --sort."),
        ("show plan.json --json --group tab", "--json takes no --group."),
        ("show plan.json --json --format html", "--json takes no --format."),
    ],
)
def test_what_has_no_effect_on_json_is_refused(trueup, line, message):
    code, out, _ = trueup(*line.split())

    assert (code, json.loads(out)) == (64, {"error": message})
