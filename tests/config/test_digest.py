"""The digest of a project: it changes with what decides a plan, and with nothing else."""

import pytest

CUSTOMER = "mappings/customer.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (CUSTOMER, "mapping: customer\n", "# a comment\n\nmapping:   'customer'\n"),
        (CUSTOMER, "target: {entity: Companies}\n", "target:\n  entity: Companies\n"),
        (CUSTOMER, "title: Account → Company\ntab: Customers\n", "tab: Customers\ntitle: Account → Company\n"),
        ("mappings/quantities.yaml", "---\nmapping: license_change", "--- # the second\nmapping: license_change"),
    ],
    ids=["comment", "block", "order of keys", "documents"],
)
def test_comments_formatting_and_the_order_of_keys_do_not_count(project, file, old, new):
    before = project.load().digest

    project.edit(file, old, new)

    assert project.load().digest == before


def test_the_file_in_which_a_mapping_stands_does_not_count(project):
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
        ("trueup.yaml", "username: api@small", "url: https://webservices2.autotask.net\n  username: api@small"),
        ("trueup.yaml", "path: work365", "path: elsewhere"),
    ],
)
def test_everything_that_decides_a_plan_counts(project, file, old, new):
    before = project.load().digest

    project.edit(file, old, new)

    assert project.load().digest != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("currency: CHF", "currency: CHF\nsettle_after: 20\nbatch: 7"),
        ("monthly_effect: 250.50", "monthly_effect: 250.51"),
        ("creates: {Companies: 5}", "calls: 7"),
        ("path: .trueup/state.sqlite", "path: elsewhere.sqlite"),
        ("username: api", "workers: 1\n  timeout: 20\n  deadline: 30\n  username: api"),
        ("env.AUTOTASK_SECRET", "env.AUTOTASK_CODE"),
        ("env.AUTOTASK_CODE", "env.AUTOTASK_SECRET"),
    ],
    ids=["patience", "guard", "guards", "state", "speed", "secret", "code"],
)
def test_how_a_plan_is_applied_does_not_count(project, old, new):
    before = project.load().digest

    project.edit("trueup.yaml", old, new)

    assert project.load().digest == before


@pytest.mark.parametrize(
    ("option", "counts"),
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
def test_of_a_dataverse_it_counts_where_it_is_and_what_it_calls_things(project, option, counts):
    said = {"url": "https://a.crm11.dynamics.com", "tenant": "a.example", "client_id": "a", "client_secret": "a"}

    def digest(options):
        lines = "".join(f"  {name}: {value}\n" for name, value in options.items())
        project.edit("trueup.yaml", "source: {connector: files, path: work365}\n",
                     f"source:\n  connector: dataverse\n{lines}")  # fmt: skip
        found = project.load().digest
        project.edit("trueup.yaml", f"source:\n  connector: dataverse\n{lines}",
                     "source: {connector: files, path: work365}\n")  # fmt: skip
        return found

    name, _, value = option.partition(": ")
    assert (digest(said) != digest({**said, name: value})) is counts


def test_of_an_sql_address_the_password_does_not_count(project):
    digests = []
    for url in ("postgresql://me:one@host/base", "postgresql://you:{{ env.AUTOTASK_CODE }}@host/base",
                "postgresql://me:one@host/other"):  # fmt: skip
        text = project.root.joinpath("trueup.yaml").read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("source:"))
        project.edit("trueup.yaml", line, f'source: {{connector: sql, url: "{url}"}}')
        digests.append(project.load().digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_catalogues_count(project):
    before = project.load().digest

    project.write("schemas/work365.yaml", (project.shipped / "work365.yaml").read_text(encoding="utf-8"))
    same = project.load().digest
    project.edit("schemas/work365.yaml", "label: Main Phone", "label: Phone")

    assert same == before
    assert project.load().digest != before


def test_no_secret_counts_wherever_it_stands(project):
    before = project.load().digest
    project.env["AUTOTASK_CODE"] = "another"
    assert project.load().digest == before

    project.edit("trueup.yaml", "{{ env.AUTOTASK_SECRET }}", "one")
    one = project.load().digest
    project.edit("trueup.yaml", 'secret: "one"', 'secret: "two"')

    assert project.load().digest == one


def test_text_and_the_day_that_it_looks_like_are_two_things(project):
    before = project.load().digest

    project.edit(
        "trueup.yaml", "default_company_type: Customer", 'default_company_type: Customer\n  mine: "2026-01-01"'
    )
    text = project.load().digest
    project.edit("trueup.yaml", 'mine: "2026-01-01"', "mine: 2026-01-01")

    assert len({before, text, project.load().digest}) == 3
