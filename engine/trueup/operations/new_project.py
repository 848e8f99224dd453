"""Writes a project without example data: for exports, Dataverse or Autotask."""

import json
import shutil
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from trueup import wiring
from trueup.config.catalogues import TABLES
from trueup.config.file_names import PROJECT
from trueup.errors import ConfigError, EngineError
from trueup.expressions.contact_filters import is_email
from trueup.expressions.country_filters import all_countries
from trueup.model.coerce import PLACES
from trueup.model.finding import Severity
from trueup.model.new_project import Created, NewProject, Start
from trueup.operations.project import check_project
from trueup.operations.project_folder import TESTS, shipped_folder, shipped_tests

EXPORTS = "exports"
SEED = "sandbox.json"
IGNORED = ".gitignore"
VARIABLES = "env.example"
CI = "ci/github-actions.yaml"

_COPIED = ("mappings", "rules", "schemas")


def write_project(folder: Path, wanted: NewProject) -> Created:
    """Writes a project into a folder, whole or not at all.

    Raises EngineError if a part of it exists already, or the owner is no e-mail address;
    ConfigError if the project would not be valid, such as with an unknown time zone or currency.
    """
    if not is_email(wanted.owner):
        raise EngineError(
            f"the owner {wanted.owner!r} is no e-mail address: give that of the "
            "resource that owns new companies, such as ada@contoso.com"
        )
    with TemporaryDirectory(prefix="trueup-") as temporary:
        draft = Path(temporary)
        files = _files(wanted)
        for name, text in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_text(text, encoding="utf-8", newline="\n")
        without = shutil.ignore_patterns("__pycache__", "*.py", ".*")
        for name in _COPIED:
            shutil.copytree(shipped_folder() / name, draft / name, ignore=without)
        shutil.copytree(shipped_tests(), draft / TESTS, ignore=without)
        _require_valid(draft)
        tops = sorted({Path(name).parts[0] for name in files} | {*_COPIED, TESTS})
        kept = [name for name in (IGNORED,) if (folder / name).exists()]
        existing = [str(folder / name) for name in tops if (folder / name).exists()]
        if blocking := [one for one in existing if Path(one).name not in kept]:
            raise EngineError(
                f"{', '.join(blocking)} exists already: choose another folder, or move it away"
            )
        for name in kept:
            (draft / name).unlink()
        shutil.copytree(draft, folder, dirs_exist_ok=True)
    return Created(
        paths=tuple(str(folder / name) for name in tops if name not in kept),
        kept=tuple(str(folder / name) for name in kept),
        steps=_STEPS[wanted.start],
        commands=_COMMANDS[wanted.start],
    )


def _require_valid(folder: Path) -> None:
    """Raises ConfigError without places: the files are removed before anyone could look."""
    project, findings = check_project(folder)
    if project is None:
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        raise ConfigError([replace(finding, place=None) for finding in errors])


def _files(wanted: NewProject) -> dict[str, str]:
    """Returns the generated files, by name."""
    files = {PROJECT: _project_text(wanted), IGNORED: _IGNORED, CI: _ci_text(wanted.start)}
    if variables := _VARIABLES[wanted.start]:
        lines = "".join(f"{name}=\n" for name in variables)
        files[VARIABLES] = _VARIABLES_HEAD + lines
    if wanted.start is not Start.DATAVERSE:
        files[f"{EXPORTS}/README.md"] = _EXPORTS_README
    if wanted.start is Start.FILES:
        files[SEED] = json.dumps(_seed(wanted), indent=1, ensure_ascii=False) + "\n"
    return files


def _project_text(wanted: NewProject) -> str:
    """Returns trueup.yaml: its own head and connections, then limits and settings as shipped."""
    shipped = (shipped_folder() / PROJECT).read_text(encoding="utf-8")
    tail = shipped[shipped.index("\nstate:") :]
    month = wiring.SystemClock().now().date().replace(day=1).isoformat()
    for setting, value, why in (
        ("changes_from", month, "earlier changes are ignored: they are billed already"),
        (
            "default_owner_source",
            json.dumps(wanted.owner, ensure_ascii=False),
            "e-mail of the resource that owns new companies",
        ),
    ):
        before, found, after = tail.partition(f"\n  {setting}: ")
        rest = after[after.index("\n") :]
        tail = f"{before}{found}{value}   # {why}{rest}"
    head = _HEAD.format(
        name=json.dumps(wanted.name, ensure_ascii=False),
        zone=json.dumps(wanted.time_zone, ensure_ascii=False),
        currency=json.dumps(wanted.currency, ensure_ascii=False),
    )
    source = _DATAVERSE if wanted.start is Start.DATAVERSE else _EXPORTS
    target = _SANDBOX if wanted.start is Start.FILES else _AUTOTASK
    return f"{head}\n{source}\n{target}{tail}"


def _seed(wanted: NewProject) -> Mapping[str, Any]:
    """Returns the records of an Autotask without customers and products: reference data only."""
    example = json.loads((shipped_folder() / "examples/autotask.json").read_text(encoding="utf-8"))
    user, _, _ = wanted.owner.partition("@")
    owner = {"firstName": user, "lastName": "Owner", "userName": user, "email": wanted.owner}
    return {
        **{name: example[name] for name in ("users", "user_defined_fields", "picklists")},
        "records": {
            "BillingCodes": [one for one in example["records"]["BillingCodes"] if one["isActive"]],
            "Countries": [
                {"id": number, "countryCode": code, "displayName": name, "isActive": True}
                for number, (code, name) in enumerate(all_countries(), start=1)
            ],
            "Currencies": _currencies(example["records"]["Currencies"], wanted.currency),
            "Resources": [{"id": 1, **owner, "isActive": True}],
        },
    }


def _currencies(known: Sequence[Mapping[str, Any]], internal: str) -> list[Mapping[str, Any]]:
    """Returns the known currencies with their rates against the internal one.

    If that is none of them, it is the only one: what the others are worth in it is not known.
    """
    rates = {one["name"]: Decimal(str(one["exchangeRate"])) for one in known}
    if internal not in rates:
        alone = {"id": 99, "name": internal, "exchangeRate": 1.0}
        return [{**alone, "isInternalCurrency": True, "isActive": True}]
    return [
        {
            **one,
            "exchangeRate": float((rates[one["name"]] / rates[internal]).quantize(PLACES)),
            "isInternalCurrency": one["name"] == internal,
        }
        for one in known
    ]


def _ci_text(start: Start) -> str:
    variables = "".join(f"      {name}: ${{{{ secrets.{name} }}}}\n" for name in _VARIABLES[start])
    return _CI_TEXT + (f"    env:\n{variables}" if variables else "") + _CI_STEPS


_AUTOTASK_VARIABLES = ("AUTOTASK_USERNAME", "AUTOTASK_SECRET", "AUTOTASK_INTEGRATION_CODE")
_VARIABLES: Mapping[Start, tuple[str, ...]] = {
    Start.FILES: (),
    Start.DATAVERSE: (
        "DATAVERSE_URL",
        "DATAVERSE_TENANT",
        "DATAVERSE_CLIENT_ID",
        "DATAVERSE_SECRET",
        *_AUTOTASK_VARIABLES,
    ),
    Start.AUTOTASK: _AUTOTASK_VARIABLES,
}

_PUT_EXPORTS = f"Put the exports into {EXPORTS}/ (its README.md names them)."
_SET_VARIABLES = f"Set the variables that {VARIABLES} names, in the environment."
_STEPS: Mapping[Start, tuple[str, ...]] = {
    Start.FILES: (_PUT_EXPORTS,),
    Start.DATAVERSE: (_SET_VARIABLES,),
    Start.AUTOTASK: (_PUT_EXPORTS, _SET_VARIABLES),
}
_COMMANDS: Mapping[Start, tuple[str, ...]] = {
    Start.FILES: ("validate", "doctor", "plan --out plan.json"),
    Start.DATAVERSE: ("doctor", "discover", "plan --out plan.json"),
    Start.AUTOTASK: ("validate", "doctor", "plan --out plan.json"),
}

_HEAD = """\
# yaml-language-server: $schema=schemas/project.schema.json
#
# Values in {{{{ env.NAME }}}} come from the environment: secrets do not belong into this file.
project: {name}
time_zone: {zone}   # business time zone: decides the day of an instant, and today's date
currency: {currency}   # the tenant's internal currency, used to show amounts
"""

_EXPORTS = f"""\
source:
  connector: files
  path: {EXPORTS}   # one JSON, CSV or XLSX file for each table; {EXPORTS}/README.md names them
"""

_DATAVERSE = """\
source:
  connector: dataverse
  url: "{{ env.DATAVERSE_URL }}"         # such as https://contoso.crm11.dynamics.com
  tenant: "{{ env.DATAVERSE_TENANT }}"   # such as contoso.onmicrosoft.com
  client_id: "{{ env.DATAVERSE_CLIENT_ID }}"
  client_secret: "{{ env.DATAVERSE_SECRET }}"
"""

_AUTOTASK = """\
target:
  connector: autotask
  url: https://webservices.autotask.net   # where the zone is looked up
  username: "{{ env.AUTOTASK_USERNAME }}"
  secret: "{{ env.AUTOTASK_SECRET }}"
  integration_code: "{{ env.AUTOTASK_INTEGRATION_CODE }}"
"""

_SANDBOX = f"""\
# A sandbox on this machine, without customers; `trueup init --from autotask` has the other target.
target:
  connector: sandbox
  database: .trueup/autotask.sqlite
  seed: {SEED}
"""

_IGNORED = f"""\
# The state, caches and the sandbox. The state is worth a backup: a tenant has exactly one.
.trueup/
# Secrets
.env
# Data of customers
{EXPORTS}/*
!{EXPORTS}/README.md
plan.json
*.plan.json
"""

_VARIABLES_HEAD = """\
# The variables that trueup.yaml takes from the environment. Copy this file to .env, which git
# ignores, fill it in, and load it:  set -a; . ./.env; set +a
"""

_EXPORTS_README = f"""\
# Exports

One file for each table: `account`, `contact`, `product`, `billing_contract`, `subscription` and
`license_change`, with the ending `.json`, `.csv` or `.xlsx`. JSON is what
the Web API returns. Columns have their logical names, their display labels, or the names in
`schemas/{TABLES}`.

git ignores the exports: they hold data of customers.
"""

_CI_TEXT = """\
# An example: copy it to .github/workflows/trueup.yaml, and keep the secrets in the repository's
# settings. The state must survive between jobs: run the plan where .trueup/ stays.
name: trueup
on:
  pull_request:
  workflow_dispatch:
jobs:
  validate:   # opens neither system, so it needs no secrets
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install trueup-*.whl
      - run: trueup validate
      - run: trueup test
  plan:   # writes nothing in either system
    if: github.event_name == 'workflow_dispatch'
    runs-on: [self-hosted, billing]
    concurrency: trueup
"""

_CI_STEPS = """\
    steps:
      - uses: actions/checkout@v4
      - run: trueup plan --out plan.json --fail-on limits,drift
      - run: trueup show plan.json --format markdown >> "$GITHUB_STEP_SUMMARY"
        if: always()
"""
