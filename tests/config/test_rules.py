"""Rules and decisions. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

RULES = "rules/all.yaml"
DECISIONS = "mappings/decisions.yaml"

CASES = [
    pytest.param(
        [
            (
                RULES,
                "related.subscriptions | map(attribute='effective_start') | min",
                "related.subscriptions | map(attribute='efective_start') | min",
            ),
            (RULES, "plan.creates < 100", "plan.create < 100"),
            (RULES, "ledger.difference", "ledger.diff"),
            (RULES, "change.lowest", "change.lowst"),
            (RULES, "before.quoteItemID", "before.quoteItem"),
            (RULES, "refs.service.", "refs.services."),
            (
                RULES,
                "remedy: enter a main phone on the account in Work 365",
                'remedy: "{{ related.contct.first_name }} {{ plan.creates }}"',
            ),
        ],
        [
            "rules/all.yaml:9:13: mapping customer has no join 'contct' (did you mean 'contact'?)",
            "rules/all.yaml:9:13: plan has only as_of here, no 'creates' (known: as_of)",
            "rules/all.yaml:12:13: table subscription has no column 'efective_start' (did you mean 'effective_start'?)",
            "rules/all.yaml:18:13: ContractServices has no field 'quoteItem' (did you mean 'quoteItemID'?)",
            "rules/all.yaml:18:13: mapping subscription does not refer to 'services' (did you mean 'service'?)",
            "rules/all.yaml:24:13: change has no 'lowst' (did you mean 'lowest'?)",
            "rules/all.yaml:30:13: ledger has no 'diff' (did you mean 'difference'?)",
            "rules/all.yaml:35:13: plan has no 'create' (did you mean 'creates'?)",
        ],
        id="names that do not exist, by what the rule looks at",
    ),
    pytest.param(
        [
            (RULES, "rule: contract-starts-in-time", "rule: phone-is-valid"),
            (RULES, "for: license_change", "for: licence_change"),
            (RULES, "    severity: info", "    severity: infos"),
            (RULES, "  - rule: few-creates\n    on: plan", "  - rule: Few creates\n    for: customer\n    on: plan"),
        ],
        [
            "rules/all.yaml:10:5: rule phone-is-valid is there twice; the first is at rules/all.yaml:3:5 (give one of them another name)",
            "rules/all.yaml:21:5: there is no mapping 'licence_change' (did you mean 'license_change'?)",
            "rules/all.yaml:31:15: 'infos' is none of error, hold, skip, warning, info (did you mean 'info'?)",
            "rules/all.yaml:33:11: 'Few creates': a rule's name is small letters and digits with - between words",
            "rules/all.yaml:34:5: a rule on the plan is for no mapping",
        ],
        id="two rules of one name, an unknown mapping, an unknown severity, a rule on the plan for a mapping",
    ),
    pytest.param(
        [
            (RULES, "for: contract\n    assert", "for: contract\n    on: ledger\n    assert"),
            (RULES, "for: license_change", "for: customer"),
        ],
        [
            "rules/all.yaml:10:5: mapping contract has no ledger to look at",
            "rules/all.yaml:22:5: mapping customer appends no changes to look at (look at its records: `on: record`)",
            "rules/all.yaml:25:13: Companies has no field 'unitChange'",
        ],
        id="a rule on a ledger or a change that is not there",
    ),
    pytest.param(
        [
            (RULES, "{{ source.phone or 'nothing' }}", "{% for x in source %}{{ x }}{% endfor %}"),
            (RULES, 'assert: "{{ source.phone is', 'assert: "{{ source.phone.__class__ is'),
        ],
        [
            "rules/all.yaml:6:13: __class__ is out of bounds",
            "rules/all.yaml:8:14: for: statements and loops are not allowed",
        ],
        id="a template that loops or reaches for the inside of Python",
    ),
    pytest.param(
        [(RULES, 'assert: "{{ source.phone is phone(source.country) }}"', 'assert: "{{ source.name == and }}"')],
        ["rules/all.yaml:6:13: there is no 'and' here (known: plan, related, settings, source)"],
        id="an expression that is broken",
    ),
    pytest.param(
        [
            (
                RULES,
                'assert: "{{ source.phone is phone(source.country) }}"',
                "assert: \"{{ source.name.upper() == 'X' }}\"",
            )
        ],
        ["rules/all.yaml:6:13: calls are not allowed; filters are (a | lower)"],
        id="a method call",
    ),
    pytest.param(
        [
            (
                RULES,
                'assert: "{{ source.phone is phone(source.country) }}"',
                'assert: "{{ source.name | uper is phon }}"',
            )
        ],
        [
            "rules/all.yaml:6:13: there is no filter 'uper' (did you mean 'upper'?)",
            "rules/all.yaml:6:13: there is no test 'phon' (did you mean 'phone'?)",
        ],
        id="unknown filters and tests",
    ),
    pytest.param(
        [
            (RULES, "    for: contract\n    assert", "    assert"),
            (
                RULES,
                "  - rule: few-creates\n    on: plan\n    assert",
                "  - rule: few-creates\n    on: plan\n    asert",
            ),
        ],
        [
            "rules/all.yaml:10:5: 'for' is a required property",
            "rules/all.yaml:34:5: unknown key 'asert' (did you mean 'assert'?)",
        ],
        id="a rule without a mapping, and one with a misspelt key",
    ),
    pytest.param(
        [
            (DECISIONS, "key: b1, do: correct", "key: b1, do: push"),
            (DECISIONS, "mapping: license_change, key: 42, do: archive", "mapping: license_change, key: 42, link: 3"),
            (DECISIONS, "mapping: customer, key: 7f3a, link: 29683", "mapping: custmer, key: 7f3a, link: 29683"),
        ],
        [
            "mappings/decisions.yaml:3:5: there is no mapping 'custmer' (did you mean 'customer'?)",
            "mappings/decisions.yaml:5:5: link is for records; mapping license_change appends changes",
            "mappings/decisions.yaml:6:5: push is for pending changes; mapping subscription has none",
        ],
        id="decisions of a kind that the mapping does not know",
    ),
    pytest.param(
        [
            (
                DECISIONS,
                "link: 29683}",
                'link: 29683, do: create}\n  - {mapping: customer, key: b}\n  - {mapping: customer, key: "7f3a", do: create}\n  - {mapping: customer, key: "007", do: create}\n  - {mapping: contract, key: "7f3a", do: correct}',
            )
        ],
        [
            "mappings/decisions.yaml:3:49: a decision has either link or do",
            "mappings/decisions.yaml:4:5: 'do' is a required property",
            "mappings/decisions.yaml:5:5: customer '7f3a' is decided twice; the first is at mappings/decisions.yaml:3:5 (keep one of them)",
            "mappings/decisions.yaml:7:5: correct is for a ledger; mapping contract has none",
            "mappings/decisions.yaml:8:5: customer '007' is decided twice; the first is at mappings/decisions.yaml:6:5 (keep one of them)",
        ],
        id="decisions that say too much, too little, or the same twice",
    ),
    pytest.param(
        [
            (DECISIONS, 'reason: "billed by the distributor", until: 2027-01-31', "until: soon"),
            (DECISIONS, "link: 29683", "link: x"),
        ],
        [
            "mappings/decisions.yaml:3:42: 'x' is not of type 'integer'",
            "mappings/decisions.yaml:4:5: 'reason' is a required property",
            "mappings/decisions.yaml:4:56: 'soon' is no day, such as 2026-11-01",
        ],
        id="a decision whose day is none, one without a reason, one whose link is no number",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
