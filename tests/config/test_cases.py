"""Projects with errors, and all their messages with places and remedies: cases/*.txt.

A case is a sentence (`==`), changes to the good project and the expected messages. `@` names a
file, in which the text of the `-` lines is replaced by that of the `+` lines. `+` lines alone are
the whole new file.
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
    """Returns the edits, as (file, new) or (file, old, new), and the expected messages."""
    edits, messages = [], []
    for mark, group in groupby(
        lines, key=lambda line: line[:1] if line[:2] in {"@ ", "- ", "+ ", "-", "+"} else ""
    ):
        texts = list(group)
        if mark == "@":
            edits.append([texts[-1][2:]])
        elif mark:
            edits[-1].append("\n".join(text[2:] for text in texts))
        else:
            messages += texts
    return edits, messages


@pytest.mark.parametrize(("edits", "messages"), list(cases()))
def test_every_error_is_reported_with_its_place_and_a_remedy(project, edits, messages):
    for edit in edits:
        project.change(*edit)

    assert project.messages() == messages


def test_the_good_project_has_no_findings(project):
    assert project.messages() == []


def test_all_errors_of_all_files_are_reported_at_once(project):
    """The project has one error of each kind, spread over all files."""
    project.write("mappings/broken.yaml", 'mapping: broken\ntitle: "never closed\n')
    project.edit(
        "mappings/customer.yaml", "title: Account → Company", "title: a\ntitle: b"
    )  # duplicate key
    project.edit("mappings/customer.yaml", "one: true", "one: yes")  # schema
    project.edit("mappings/customer.yaml", "table: account\n", "table: acount\n")  # table
    project.edit("mappings/customer.yaml", "webAddress:", "webAdress:")  # field
    project.edit(
        "mappings/contract.yaml", "{{ source.name }} ({{", "{{ source.nam | uper }} ({{"
    )  # column, filter
    project.edit(
        "mappings/contract.yaml", "status: {value: Active", "status: {value: Activ"
    )  # picklist
    project.edit(
        "mappings/contract.yaml", "  endDate: {value", "  lastModifiedDateTime: {value"
    )  # read-only field, required field
    project.edit(
        "mappings/contract.yaml",
        'deactivate: {status: Inactive, endDate: "{{ plan.as_of }}"}\n',
        "",
    )
    project.edit(
        "mappings/service.yaml", "target: {entity: Services}", "target: {entity: Servces}"
    )  # entity
    project.edit(
        "mappings/service.yaml", "settings.billing_codes", "settings.billing_cods"
    )  # setting
    project.edit(
        "mappings/quantities.yaml", "serviceID: {ref: service", "serviceID: {ref: servic"
    )  # mapping

    assert project.messages() == [
        (
            "mappings/broken.yaml:2:8: broken YAML: this quote is not closed"
            ' (inside double quotes write \\" for ", or use single quotes outside)'
        ),
        (
            "mappings/contract.yaml:5:8: table billing_contract has no column 'nam' (did you mean"
            " 'name'?)"
        ),
        "mappings/contract.yaml:5:8: there is no filter 'uper' (did you mean 'upper'?)",
        (
            "mappings/contract.yaml:12:11: nothing fills Contracts.endDate, which is"
            " required (add it to `fields`)"
        ),
        (
            "mappings/contract.yaml:22:19: 'Activ' is not in the picklist of Contracts.status (did"
            " you mean 'Active'?)"
        ),
        (
            "mappings/contract.yaml:24:3: Contracts.lastModifiedDateTime is read-only (remove the"
            " field)"
        ),
        (
            "mappings/contract.yaml:27:15: `when_missing: deactivate` needs `deactivate`,"
            " which is missing"
            " (add `deactivate: {field: value}`)"
        ),
        (
            "mappings/customer.yaml:4:1: 'title' is given twice; the first is in line 3 (remove"
            " one of them)"
        ),
        "mappings/customer.yaml:7:10: there is no table 'acount' (did you mean 'account'?)",
        (
            "mappings/customer.yaml:10:63: 'yes' is not true or false (write true or false,"
            " without quotes)"
        ),
        (
            "mappings/customer.yaml:23:3: Companies has no field 'webAdress' (did you mean"
            " 'webAddress'?)"
        ),
        "mappings/quantities.yaml:16:20: there is no mapping 'servic' (did you mean 'service'?)",
        "mappings/service.yaml:6:18: there is no entity 'Servces' (did you mean 'Services'?)",
        (
            "mappings/service.yaml:11:53: trueup.yaml has no settings.billing_cods (did you mean"
            " 'billing_codes'?)"
        ),
    ]
