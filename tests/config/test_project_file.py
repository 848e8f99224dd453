"""trueup.yaml. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

CUSTOMER = "mappings/customer.yaml"
SERVICE = "mappings/service.yaml"
PROJECT = "trueup.yaml"

CASES = [
    pytest.param(
        [(PROJECT, "connector: files", "connector: file")],
        ["trueup.yaml:7:21: 'file' is none of files, dataverse, sql (did you mean 'files'?)"],
        id="an unknown connector",
    ),
    pytest.param(
        [(PROJECT, "path: work365", "pat: work365")],
        ["trueup.yaml:7:28: unknown key 'pat' (did you mean 'path'?)"],
        id="an unknown option",
    ),
    pytest.param(
        [(PROJECT, "time_zone: Europe/Zurich", "time_zone: Europe/Zurch")],
        ["trueup.yaml:3:12: there is no time zone 'Europe/Zurch' (did you mean 'Europe/Zurich'?)"],
        id="an unknown time zone",
    ),
    pytest.param(
        [(PROJECT, "time_zone: Europe/Zurich", "time_zone: ../../etc/passwd")],
        ["trueup.yaml:3:12: there is no time zone '../../etc/passwd'"],
        id="a time zone that is a path",
    ),
    pytest.param(
        [(PROJECT, "time_zone: Europe/Zurich", "time_zone: Europe")],
        ["trueup.yaml:3:12: there is no time zone 'Europe' (did you mean 'Europe/Rome'?)"],
        id="a time zone that is a folder",
    ),
    pytest.param(
        [
            (PROJECT, "currency: CHF", "currency: chf"),
            (PROJECT, "as_of: 2026-11-15", "as_of: yesterday"),
            (PROJECT, "{Companies: 5}", "{Companis: 5, Contracts: -1}"),
            (PROJECT, '{"*": 0.25}', '{"*": 25}'),
        ],
        [
            "trueup.yaml:4:8: 'yesterday' is no day, such as 2026-11-01",
            "trueup.yaml:5:11: 'chf': a currency is three capital letters, such as GBP",
            "trueup.yaml:16:13: there is no entity 'Companis' (did you mean 'Companies'?)",
            "trueup.yaml:16:37: -1 is less than 0",
            "trueup.yaml:17:24: 25 is more than 1",
        ],
        id="a currency, a day, guards that are none",
    ),
    pytest.param(
        [(PROJECT, "{{ env.AUTOTASK_SECRET }}", "{{ env.AUTOTASK_SECRT }}")],
        ["trueup.yaml:11:11: the environment variable AUTOTASK_SECRT is not set (export AUTOTASK_SECRT=…)"],
        id="a variable that is not set",
    ),
    pytest.param(
        [(PROJECT, "{{ env.AUTOTASK_SECRET }}", "{{ env.AUTOTASK_SECRET | lower }}")],
        ["trueup.yaml:11:11: only {{ env.NAME }} can be used here"],
        id="an expression where only a variable may stand",
    ),
    pytest.param(
        [(PROJECT, "default_company_type: Customer", 'default_company_type: "{{ env.X }}"')],
        ["trueup.yaml:23:25: a setting is a plain value, nothing is evaluated in it (write the value itself)"],
        id="a variable in a setting",
    ),
    pytest.param(
        [(CUSTOMER, '"{{ source.website }}"', '"{{ env.HOME }}"')],
        [
            "mappings/customer.yaml:22:23: env is not available here (put it into source, target or state of trueup.yaml)"
        ],
        id="a variable in a mapping",
    ),
    pytest.param(
        [(PROJECT, "settings:\n", "settings:\n  mine: {a: 1, b: {c: 2}}\n  setup_fee: 0\n")],
        [
            "warning: trueup.yaml:21:10: no mapping or rule uses settings.mine.a",
            "warning: trueup.yaml:21:20: no mapping or rule uses settings.mine.b.c",
            "warning: trueup.yaml:22:3: no mapping or rule uses settings.setup_fee",
        ],
        id="a setting that no mapping or rule uses",
    ),
    pytest.param(
        [
            (CUSTOMER, "{{ settings.default_company_type }}", "{{ settings.default_company_typ }}"),
            (SERVICE, "billing_codes.services", "billing_codes.service"),
        ],
        [
            "mappings/customer.yaml:18:24: trueup.yaml has no settings.default_company_typ (did you mean 'default_company_type'?)",
            "mappings/service.yaml:11:53: trueup.yaml has no settings.billing_codes.service (did you mean 'services'?)",
            "warning: trueup.yaml:23:3: no mapping or rule uses settings.default_company_type",
            "warning: trueup.yaml:27:19: no mapping or rule uses settings.billing_codes.services",
        ],
        id="an unknown setting",
    ),
    pytest.param(
        [
            (PROJECT, "allow_duplicated_services: false", "allow_duplicated_services: no"),
            (PROJECT, "changes_from: 2026-10-01", "changes_from: 2026-13-01"),
        ],
        [
            "trueup.yaml:21:17: there is no day 2026-13-01",
            "trueup.yaml:22:30: 'no' is not of type 'boolean' (write true or false, without quotes)",
        ],
        id="settings of the wrong type",
    ),
    pytest.param(
        [
            (PROJECT, "source: {connector: files, path: work365}\n", ""),
            (SERVICE, "billing_codes.services", "billing_codes.service"),
        ],
        [
            "mappings/service.yaml:11:53: trueup.yaml has no settings.billing_codes.service (did you mean 'services'?)",
            "trueup.yaml:2:1: 'source' is a required property",
        ],
        id="no source at all, and the settings are looked at all the same",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
