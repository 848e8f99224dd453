"""A small project as YAML, read by the real loader: customers, contracts, subscriptions, changes.

`project()` is the project as written here; `project({"mappings/customer.yaml": text})` has files
changed or added.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from trueup.config.loader import load
from trueup.model.project import Project

from tests.support.paths import ROOT

TRUEUP = """
project: small
time_zone: Europe/London
as_of: 2026-11-15
currency: GBP
source: {connector: files, path: work365}
target: {connector: sandbox, database: autotask.sqlite, seed: autotask.json}
state: {connector: sqlite, path: state.sqlite}
settle_after: 300
batch: 50
guards:
  creates: {"*": 50}
  deactivations: {"*": 5}
  share_changed: {"*": 1}
  monthly_effect: 100000
  calls: 1000
settings:
  changes_from: 2026-10-01
  allow_duplicated_services: false
  default_contract_type: Recurring Service
  owner: ada@tenant.example
  billing_code: Cloud
  billing_frequencies: {Monthly: Monthly, Annual: Yearly}
"""

CUSTOMER = """
mapping: customer
title: Account → Company
tab: Customers
source: {table: account, where: "{{ source.state == 'Active' }}"}
target: {entity: Companies}
identity: {udf.Work 365 Id: "{{ source.id }}"}
match:
  - companyNumber: "{{ source.number }}"
similar: [companyName]
fields:
  companyName: "{{ source.name }}"
  companyNumber: "{{ source.number }}"
  companyType: {value: Customer, manage: create}
  phone: "{{ source.phone }}"
  city: {value: "{{ source.city }}", manage: fill}
  ownerResourceID: {find: Resources, where: {email: "{{ settings.owner }}"}, manage: create}
  parentCompanyID: {ref: customer, of: "{{ source.parent }}"}
  isActive: {value: true, manage: create}
deactivate: {isActive: false}
when_missing: report
"""

SERVICE = """
mapping: service
title: Product → Service
tab: Products
source: {table: product}
target: {entity: Services}
identity: {externalID: "{{ source.id }}"}
fields:
  name: "{{ source.name }}"
  periodType: {value: "{{ settings.billing_frequencies[source.unit] }}", manage: create}
  billingCodeID: {find: BillingCodes, where: {name: "{{ settings.billing_code }}"}, manage: create}
  unitPrice: {value: "{{ source.price }}", manage: create}
  isActive: {value: true, manage: create}
"""

CONTRACT = """
mapping: contract
title: Billing Contract → Contract
tab: Agreements
source: {table: billing_contract}
target:
  entity: Contracts
  where: {companyID: {linked: customer}, contractType: "{{ settings.default_contract_type }}"}
identity: {contractNumber: "{{ source.number }}"}
match:
  - companyID: {ref: customer, of: "{{ source.customer }}"}
    contractName: "{{ source.name }}"
fields:
  companyID: {ref: customer, of: "{{ source.customer }}"}
  contractName: "{{ source.name }}"
  contractType: {value: "{{ settings.default_contract_type }}", manage: create}
  contractPeriodType:
    value: "{{ settings.billing_frequencies[source.billing_frequency] }}"
    manage: create
  status: {value: Active, manage: create}
  startDate: {value: "{{ source.start_date }}", manage: create}
  endDate: {value: "{{ source.end_date }}", manage: extend}
  timeReportingRequiresStartAndStopTimes: {value: "No", manage: create}
deactivate: {status: Inactive}
"""

SUBSCRIPTION = """
mapping: subscription
title: Subscription → Contract Service
tab: Agreements
label: "{{ related.account.name }}, {{ source.name }}"
source:
  table: subscription
  join:
    account: {table: account, on: {id: customer}, one: true}
target:
  entity: ContractServices
  where: {contractID: {linked: contract}, serviceID: {linked: service}}
identity: {internalDescription: "W365 {{ source.id }}"}
match:
  - contractID: {ref: contract, of: "{{ source.contract }}"}
    serviceID: {ref: service, of: "{{ source.product }}"}
fields:
  contractID: {ref: contract, of: "{{ source.contract }}"}
  serviceID: {ref: service, of: "{{ source.product }}"}
repeat:
  when: "{{ settings.allow_duplicated_services }}"
  by: ContractServiceAdjustments
  set: {allowRepeatService: true}
create: "{{ 'auto' if source.state == 'Active' else 'never' }}"
ledger:
  quantity: "{{ source.quantity if source.state == 'Active' and source.billable else 0 }}"
  units:
    {entity: ContractServiceUnits, on: {contractServiceID: id}, value: units, none: 0,
     posted: approveAndPostDate}
  pending: license_change
  price:
    value: [internalCurrencyAdjustedPrice, internalCurrencyUnitPrice, service.unitPrice]
    per: service.periodType
  difference: hold
write_back: {set: {psa_system_id: "{{ record.id }}"}, when: "{{ not source.psa_system_id }}"}
"""

CHANGE = """
mapping: license_change
title: License Change Log → Contract Service Adjustment
tab: Changes
label: "{{ related.account.name }}, {{ related.subscription.name }}"
source:
  table: license_change
  where: "{{ source.status == 'Active' and source.effective_date >= settings.changes_from }}"
  join:
    subscription: {table: subscription, on: {id: subscription}, one: true}
    account: {table: account, on: {id: subscription.customer}, one: true}
  order: [effective_date, created_on, id]
target: {entity: ContractServiceAdjustments}
fields:
  contractServiceID: {ref: subscription, of: "{{ source.subscription }}"}
  effectiveDate: "{{ source.effective_date }}"
  unitChange: "{{ source.quantity }}"
append:
  merge: {on: [contractServiceID, effectiveDate], sum: unitChange}
  in_turn: contractServiceID
  once: [contractServiceID, effectiveDate]
  proof:
    {entity: ContractServiceUnits, on: {contractServiceID: contractServiceID},
     rows: [id, startDate, endDate, units]}
write_back: {after: proof, set: {status: Archived}}
"""

RULES = """
rules:
  - rule: customer-has-a-phone
    for: customer
    assert: "{{ source.phone }}"
    severity: error
    message: "It has no phone."
    remedy: "Enter one."
  - rule: subscription-is-billable
    for: subscription
    assert: "{{ source.billable }}"
    severity: skip
    message: "Not billable."
    remedy: "Set it to billable."
  - rule: change-is-provisioned
    for: license_change
    assert: "{{ source.provisioning_status == 'Provisioned' }}"
    severity: hold
    message: "The change is {{ source.provisioning_status }}."
    remedy: "Wait."
  - rule: change-is-in-an-open-period
    for: license_change
    on: change
    assert: "{{ not change.posted }}"
    severity: hold
    message: "{{ change.day }} is posted. The first open day is {{ change.first_open_day }}."
    remedy: "`trueup decide license_change {{ source.id }} push`"
  - rule: change-leaves-no-negative-units
    for: license_change
    on: change
    assert: "{{ change.lowest >= 0 }}"
    severity: hold
    message: "{{ change.units }} from {{ change.day }} would leave {{ change.lowest }} units."
    remedy: "Compare both."
"""

FILES = {
    "trueup.yaml": TRUEUP,
    "mappings/customer.yaml": CUSTOMER,
    "mappings/service.yaml": SERVICE,
    "mappings/contract.yaml": CONTRACT,
    "mappings/subscription.yaml": SUBSCRIPTION,
    "mappings/license_change.yaml": CHANGE,
    "rules/rules.yaml": RULES,
}


def write(folder: Path, files: dict[str, str]) -> None:
    """The files of a project into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """One of the files with one piece of its text in another way."""
    assert old in FILES[name], old
    return {name: FILES[name].replace(old, new)}


def project(*changes: dict[str, str]) -> Project:
    """The project with some of its files changed."""
    files = dict(FILES)
    for change in changes:
        files.update(change)
    return _loaded(tuple(files.items()))


@cache
def _loaded(files: tuple[tuple[str, str], ...]) -> Project:
    with TemporaryDirectory(prefix="trueup-small-") as folder:
        write(Path(folder), dict(files))
        return load(Path(folder), shipped=ROOT / "schemas")


def settings(**values: str) -> dict[str, str]:
    """trueup.yaml with these settings, as YAML says them."""
    lines = FILES["trueup.yaml"].splitlines()
    for name, value in values.items():
        place = next(
            number for number, line in enumerate(lines) if line.strip().startswith(f"{name}:")
        )
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines[place] = f"{indent}{name}: {value}"
    return {"trueup.yaml": "\n".join(lines) + "\n"}


def decisions(*lines: str) -> dict[str, str]:
    """What people said of rows: `"{mapping: …, key: …, do: push, reason: r}"`."""
    entries = "\n".join(f"  - {line}" for line in lines)
    return {"mappings/decisions.yaml": f"decisions:\n{entries}\n" if lines else "decisions: []\n"}
