"""Projects with something broken, and everything that is then said, word by word and with places: cases/*.txt.

A case is a sentence (`==`), changes of the good project and what is said. `@` names a file; in it, the text
of the `-` lines becomes that of the `+` lines, or the `+` lines alone become the whole file.
"""

from itertools import groupby
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "cases").glob("*.txt"))


def cases():
    for file in FILES:
        for block in file.read_text(encoding="utf-8").split("\n== ")[1:]:
            sentence, *lines = block.rstrip("\n").split("\n")
            yield pytest.param(*parsed(lines), id=f"{file.stem}: {sentence}")


def parsed(lines):
    """Edits as (file, new) or (file, old, new), and what is said."""
    edits, says = [], []
    for mark, group in groupby(lines, key=lambda line: line[:1] if line[:2] in {"@ ", "- ", "+ ", "-", "+"} else ""):
        texts = list(group)
        if mark == "@":
            edits.append([texts[-1][2:]])
        elif mark:
            edits[-1].append("\n".join(text[2:] for text in texts))
        else:
            says += texts
    return edits, says


@pytest.mark.parametrize(("edits", "says"), list(cases()))
def test_all_that_is_wrong_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says


def test_the_good_project_gives_no_finding_at_all(project):
    assert project.says() == []


def test_everything_that_is_wrong_is_said_in_one_go(project):
    """One of each kind that the issue names, spread over all files."""
    project.write("mappings/broken.yaml", 'mapping: broken\ntitle: "never closed\n')
    project.edit("mappings/customer.yaml", "title: Account → Company", "title: a\ntitle: b")  # duplicate key
    project.edit("mappings/customer.yaml", "one: true", "one: yes")  # schema fault
    project.edit("mappings/customer.yaml", "table: account\n", "table: acount\n")  # table
    project.edit("mappings/customer.yaml", "webAddress:", "webAdress:")  # field
    project.edit("mappings/contract.yaml", "{{ source.name }} ({{", "{{ source.nam | uper }} ({{")  # column, filter
    project.edit("mappings/contract.yaml", "status: {value: Active", "status: {value: Activ")  # picklist
    project.edit("mappings/contract.yaml", "  endDate: {value", "  lastModifiedDateTime: {value")  # read-only, unfilled
    project.edit("mappings/contract.yaml", 'deactivate: {status: Inactive, endDate: "{{ plan.as_of }}"}\n', "")
    project.edit("mappings/service.yaml", "target: {entity: Services}", "target: {entity: Servces}")  # entity
    project.edit("mappings/service.yaml", "settings.billing_codes", "settings.billing_cods")  # setting
    project.edit("mappings/quantities.yaml", "serviceID: {ref: service", "serviceID: {ref: servic")  # mapping

    assert project.says() == [
        "mappings/broken.yaml:3:1: broken YAML: while scanning a quoted scalar, found unexpected end of stream",
        "mappings/contract.yaml:5:8: table billing_contract has no column 'nam' (did you mean 'name'?)",
        "mappings/contract.yaml:5:8: there is no filter 'uper' (did you mean 'upper'?)",
        "mappings/contract.yaml:12:11: nothing fills Contracts.endDate, which Autotask requires (add it to `fields`)",
        "mappings/contract.yaml:22:19: 'Activ' is not in the picklist of Contracts.status (did you mean 'Active'?)",
        "mappings/contract.yaml:24:3: Contracts.lastModifiedDateTime is read-only (take the field out)",
        (
            "mappings/contract.yaml:27:15: when_missing: deactivate, but nothing says how"
            " (add `deactivate: {field: value}`)"
        ),
        "mappings/customer.yaml:4:1: 'title' is given twice; the first is in line 3 (remove one of them)",
        "mappings/customer.yaml:7:10: there is no table 'acount' (did you mean 'account'?)",
        "mappings/customer.yaml:10:63: 'yes' is not true or false (write true or false, without quotes)",
        "mappings/customer.yaml:23:3: Companies has no field 'webAdress' (did you mean 'webAddress'?)",
        "mappings/quantities.yaml:16:20: there is no mapping 'servic' (did you mean 'service'?)",
        "mappings/service.yaml:6:18: there is no entity 'Servces' (did you mean 'Services'?)",
        "mappings/service.yaml:11:53: trueup.yaml has no settings.billing_cods (did you mean 'billing_codes'?)",
    ]
