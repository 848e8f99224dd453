"""The digest of a project changes with everything that decides a plan, and with nothing else."""

import pytest

CUSTOMER = "mappings/customer.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (CUSTOMER, "mapping: customer\n", "# a comment\n\nmapping:   'customer'\n"),
        (CUSTOMER, "target: {entity: Companies}\n", "target:\n  entity: Companies\n"),
        (
            CUSTOMER,
            "title: Account → Company\ntab: Customers\n",
            "tab: Customers\ntitle: Account → Company\n",
        ),
        (
            "mappings/quantities.yaml",
            "---\nmapping: license_change",
            "--- # the second\nmapping: license_change",
        ),
    ],
    ids=["comment", "block", "order of keys", "documents"],
)
def test_comments_formatting_and_the_order_of_keys_do_not_change_the_digest(
    project, file, old, new
):
    before = project.load().digest

    project.edit(file, old, new)

    assert project.load().digest == before


def test_the_file_name_of_a_mapping_does_not_change_the_digest(project):
    before = project.load().digest

    (project.root / CUSTOMER).rename(project.root / "mappings" / "zzz.yaml")

    assert project.load().digest == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (CUSTOMER, "truncate_visibly(100)", "truncate_visibly(99)"),
        ("rules/all.yaml", "severity: info", "severity: warning"),
        ("mappings/decisions.yaml", "link: 29683", "link: 29684"),
        ("mappings/decisions.yaml", "until: 2027-01-31", "until: 2027-02-28"),
        ("trueup.yaml", "default_company_type: Customer", "default_company_type: Lead"),
        ("trueup.yaml", "time_zone: Europe/Zurich", "time_zone: Europe/London"),
        ("trueup.yaml", "username: api@small.example", "username: api@another.example"),
        (
            "trueup.yaml",
            "username: api@small",
            "url: https://webservices2.autotask.net\n  username: api@small",
        ),
        ("trueup.yaml", "path: work365", "path: elsewhere"),
    ],
)
def test_everything_that_decides_a_plan_changes_the_digest(project, file, old, new):
    before = project.load().digest

    project.edit(file, old, new)

    assert project.load().digest != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("currency: CHF", "currency: CHF\nsettle_after: 400\nbatch: 7"),
        ("monthly_effect: 250.50", "monthly_effect: 250.51"),
        ("creates: {Companies: 5}", "calls: 7"),
        ("path: .trueup/state.sqlite", "path: elsewhere.sqlite"),
        ("username: api", "workers: 1\n  timeout: 20\n  deadline: 30\n  username: api"),
        ("env.AUTOTASK_SECRET", "env.AUTOTASK_CODE"),
        ("env.AUTOTASK_CODE", "env.AUTOTASK_SECRET"),
    ],
    ids=["settle after and batch", "guard", "guards", "state", "speed", "secret", "code"],
)
def test_how_a_plan_is_applied_does_not_change_the_digest(project, old, new):
    before = project.load().digest

    project.edit("trueup.yaml", old, new)

    assert project.load().digest == before


@pytest.mark.parametrize(
    ("option", "changes"),
    [
        ("url: https://b.crm11.dynamics.com", True),
        ("tenant: b.example", True),
        ("profile: mine.yaml", True),
        ("client_id: b", False),
        ("client_secret: b", False),
        ("authority: https://login.microsoftonline.us", False),
        ("page: 100", False),
        ("cache: rows.sqlite", False),
        ("refresh_after: 3", False),
    ],
)
def test_only_the_address_and_the_profile_of_a_dataverse_change_the_digest(
    project, option, changes
):
    original = {
        "url": "https://a.crm11.dynamics.com",
        "tenant": "a.example",
        "client_id": "a",
        "client_secret": "a",
    }

    def digest(options):
        files = "source: {connector: files, path: work365}\n"
        lines = "".join(f"  {name}: {value}\n" for name, value in options.items())
        dataverse = f"source:\n  connector: dataverse\n{lines}"
        project.edit("trueup.yaml", files, dataverse)
        result = project.load().digest
        project.edit("trueup.yaml", dataverse, files)
        return result

    name, _, value = option.partition(": ")
    changed = {**original, name: value}
    assert (digest(original) != digest(changed)) is changes


def test_the_login_in_an_sql_address_does_not_change_the_digest(project):
    digests = []
    urls = (
        "postgresql://me:one@host/base",
        "postgresql://you:{{ env.AUTOTASK_CODE }}@host/base",
        "postgresql://me:one@host/other",
    )
    for url in urls:
        text = project.root.joinpath("trueup.yaml").read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("source:"))
        project.edit("trueup.yaml", line, f'source: {{connector: sql, url: "{url}"}}')
        digests.append(project.load().digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_catalogues_change_the_digest(project):
    before = project.load().digest

    project.write(
        "schemas/work365.yaml", (project.shipped / "work365.yaml").read_text(encoding="utf-8")
    )
    same = project.load().digest
    project.edit("schemas/work365.yaml", "label: Main Phone", "label: Phone")

    assert same == before
    assert project.load().digest != before


def test_a_secret_does_not_change_the_digest_wherever_it_is_written(project):
    before = project.load().digest
    project.env["AUTOTASK_CODE"] = "another"
    assert project.load().digest == before

    project.edit("trueup.yaml", "{{ env.AUTOTASK_SECRET }}", "one")
    with_secret_in_file = project.load().digest
    project.edit("trueup.yaml", 'secret: "one"', 'secret: "two"')

    assert project.load().digest == with_secret_in_file


def test_a_day_and_the_same_text_give_different_digests(project):
    before = project.load().digest

    project.edit(
        "trueup.yaml",
        "default_company_type: Customer",
        'default_company_type: Customer\n  mine: "2026-01-01"',
    )
    text = project.load().digest
    project.edit("trueup.yaml", 'mine: "2026-01-01"', "mine: 2026-01-01")

    assert len({before, text, project.load().digest}) == 3
