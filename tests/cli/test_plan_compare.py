"""`trueup plan --compare`: what a change of configuration does, shown and not saved."""

import json
import re
import shutil
import subprocess

import pytest
from trueup.operations import compare as operation

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@tenant.example")


@pytest.fixture
def committed(work):
    """The project in a repository of its own."""
    for arguments in (
        ("init", "-q"),
        ("add", "trueup.yaml", "mappings", "rules", "schemas"),
        ("commit", "-qm", "one"),
    ):
        subprocess.run([*GIT, *arguments], cwd=work, check=True, capture_output=True)
    return work


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_configuration_of_the_last_commit_plans_the_same(committed, trueup):
    before = content(committed)

    code, out, err = trueup("plan", "--compare", "HEAD", "--detailed-exitcode")

    assert (code, err) == (0, "")
    assert "0 of them for the other configuration alone\n" in out
    assert out.endswith("\nNo difference: both configurations plan the same.\n")
    assert content(committed).keys() == before.keys()


@pytest.fixture
def compared_once(monkeypatch):
    """For a comparison that is shown twice: it is made the first time."""
    made, compare = [], operation.compare

    def once(*arguments, **options):
        made[:] = made or [compare(*arguments, **options)]
        return made[0]

    monkeypatch.setattr(operation, "compare", once)


@pytest.mark.usefixtures("whole", "compared_once")
def test_a_policy_is_shown_in_rows_and_money(committed, trueup):
    edit(committed / "mappings/subscription.yaml", "  included:", "  minimum: 5\n  included:")

    code, out, _ = trueup("plan", "--compare", "HEAD", "--detailed-exitcode", "-v")
    assert code == 2
    page = out.splitlines()
    assert [line for line in page if line.startswith("Money ")]
    assert [line for line in page if line.startswith("Invoices ")]
    assert [line for line in page if line.startswith("  2026-10 ")]
    assert "  match → under-billed " in out
    assert "Changes that differ: " in out
    assert max(map(len, page)) <= 120
    assert page[-1].startswith(("Compared with HEAD: changes: ", "    "))

    code, out, _ = trueup("plan", "--compare", "HEAD", "--json")
    found = json.loads(out)
    assert (code, found["differs"], found["extra_calls"]) == (0, True, 0)
    month = next(total for total in found["money"] if total["name"] == "A month")
    assert month["change"] == pytest.approx(
        found["plans"]["after"]["monthly"] - found["plans"]["before"]["monthly"]
    )
    invoiced = sum(one["after"] - one["before"] for one in found["invoices"])
    assert invoiced == pytest.approx(sum(one["change"] for one in found["months"]))
    assert invoiced == pytest.approx(found["money"][0]["change"])
    kinds = {change["kind"] for change in found["changes"]}
    assert kinds <= {"appears", "vanishes", "differs"}
    differing = next(one for one in found["changes"] if one["kind"] == "differs")
    assert differing["facts"]
    assert differing["before"]["values"] != differing["after"]["values"]


def test_a_folder_may_hold_the_other_configuration(work, trueup, tmp_path):
    other = tmp_path / "other"
    for part in ("trueup.yaml", "mappings", "rules", "schemas"):
        copy = shutil.copytree if (work / part).is_dir() else shutil.copyfile
        other.mkdir(exist_ok=True)
        copy(work / part, other / part)
    edit(other / "trueup.yaml", "path: .trueup/state.sqlite", "path: other.sqlite")
    edit(
        work / "rules/customer.yaml",
        "rules:\n",
        "rules:\n"
        '  - {rule: short, for: customer, assert: "{{ source.name | length < 14 }}", '
        "severity: error, message: The name is long.}\n",
    )
    before = content(other)

    code, out, err = trueup("plan", "--compare", other)

    assert (code, err) == (0, "")
    assert "\nNote      another `state` is configured there" in out
    assert "\nBlocked now: " in out
    assert re.search(r"\n  customer +Alpine Dental AG +The name is long\.\n", out)
    assert "\n  because of the rows that they depend on: " in out
    assert "\nChanges that vanish: " in out
    assert content(other) == before


def test_what_is_wrong_with_the_other_configuration_is_named_there(committed, trueup, tmp_path):
    edit(committed / "mappings/customer.yaml", "entity: Companies", "entity: Compnies")
    subprocess.run([*GIT, "commit", "-qam", "two"], cwd=committed, check=True)
    edit(committed / "mappings/customer.yaml", "entity: Compnies", "entity: Companies")

    code, out, err = trueup("plan", "--compare", "HEAD")

    assert (code, out) == (1, "")
    assert err.startswith("HEAD:mappings/customer.yaml:")
    (tmp_path / "empty").mkdir()
    for other, text in (
        (
            "no-such",
            "configuration no-such: this is neither a folder with a trueup.yaml, nor a rev",
        ),
        (
            tmp_path / "empty",
            f"configuration {tmp_path}/empty: there is no trueup.yaml in this folder",
        ),
    ):
        code, out, err = trueup("plan", "--compare", other)
        assert (code, out) == (1, "")
        assert err.startswith(f"error: {text}")


def test_a_part_that_only_one_configuration_has_is_refused_with_its_name(committed, trueup):
    (committed / "mappings/contact.yaml").rename(committed / "contact")
    (committed / "rules/contact.yaml").rename(committed / "rule")
    edit(committed / "mappings/customer.yaml", "\n# ", "\n# ")
    subprocess.run([*GIT, "commit", "-qam", "two"], cwd=committed, check=True)
    (committed / "contact").rename(committed / "mappings/contact.yaml")

    code, out, err = trueup("plan", "--compare", "HEAD", "--target", "contact")

    assert (code, out) == (1, "")
    assert err.startswith("error: configuration HEAD: ")


@pytest.mark.parametrize("option", [("--out", "plan.json"), ("--undo", "7ace1fbdc9d0")])
def test_options_about_one_plan_are_wrong_usage(work, trueup, option):
    code, out, err = trueup("plan", "--compare", "HEAD", *option)

    assert (code, out) == (64, "")
    assert f"leave out {option[0]}" in err
    assert not (work / "plan.json").exists()


def test_fail_on_looks_at_the_plan_of_this_configuration(committed, trueup):
    code, _, err = trueup("plan", "--compare", "HEAD", "--fail-on", "blocked")

    assert (code, err) == (1, "error: the plan has what --fail-on names: blocked\n")


def test_a_field_that_the_tenant_lacks_is_named_where_the_other_configuration_has_it(
    committed, trueup
):
    file = committed / "mappings/customer.yaml"
    edit(file, "  isActive: {value", "  udf.Colour: x\n  isActive: {value")
    subprocess.run([*GIT, "commit", "-qam", "two"], cwd=committed, check=True)
    edit(file, "  udf.Colour: x\n", "")

    code, out, err = trueup("plan", "--compare", "HEAD")

    assert (code, out) == (1, "")
    assert "HEAD:mappings/customer.yaml:" in err
    assert "this tenant's Companies have no user-defined field 'Colour'" in err


def test_columns_and_fields_that_only_the_other_catalogue_has_are_read(committed, trueup):
    tables, entities = committed / "schemas/work365.yaml", committed / "schemas/autotask.yaml"
    mapping = committed / "mappings/customer.yaml"
    edit(tables, "      website:", "      # website:")
    edit(entities, "      webAddress:", "      # webAddress:")
    edit(mapping, '  webAddress: "{{ source.website }}"\n', "")
    edit(mapping, "evidence: [companyName, webAddress, countryID]", "evidence: [companyName]")
    edit(mapping, "similar: [companyName, webAddress]", "similar: [companyName]")

    code, out, err = trueup("plan", "--compare", "HEAD", "-v")

    assert (code, "Traceback" in err) == (0, False)
    assert "      webAddress" in out
