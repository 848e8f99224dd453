"""A fault for each shipped rule, with the severity and the message that the rule gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.rules.small_tenant import Small, change, subscription

Fault = Callable[[Small], None]

CODES = {"services": "Cloud subscriptions", "products": "Software licences"}


@dataclass(frozen=True)
class Case:
    """A rule, a fault that it finds, and its message and severity."""

    rule: str
    fault: Fault
    text: str
    severity: str = "error"


def sets(table: str, column: str, value: object, id_: str = "") -> Fault:
    def fault(small: Small) -> None:
        small.row(table, id_)[column] = value

    return fault


def setting(name: str, value: object) -> Fault:
    def fault(small: Small) -> None:
        small.settings[name] = value

    return fault


def also(*faults: Fault) -> Fault:
    def fault(small: Small) -> None:
        for make_fault in faults:
            make_fault(small)

    return fault


def unknown(*entities: str) -> Fault:
    return lambda small: small.forget(*entities)


def adds(table: str, row: dict[str, object]) -> Fault:
    return lambda small: small.tables[table].append(row)


def pending(*changes: dict[str, object]) -> Fault:
    """Replaces the pending change by these, and sets the quantity to the sum of all changes."""

    def fault(small: Small) -> None:
        small.tables["license_change"][1:] = [dict(change) for change in changes]
        small.row("subscription")["quantity"] = sum(
            row["quantity"] for row in small.tables["license_change"]
        )

    return fault


def records(entity: str, field: str, value: object) -> Fault:
    def fault(small: Small) -> None:
        small.record(entity)[field] = value

    return fault


def new(small: Small) -> None:
    small.new()


CASES = [
    # Products
    Case(
        "product-is-active",
        sets("product", "state", "Retired", "pro"),
        "Retired in Work 365: only active products are sold.",
        "skip",
    ),
    Case(
        "product-unit-is-a-period",
        sets("product", "unit", "Triennial", "pro"),
        "Its unit Triennial is not a period of an Autotask service.",
    ),
    Case(
        "service-billing-code-resolves",
        also(
            unknown("Services", "ContractServices"),
            setting("billing_codes", {"services": "Clouds", "products": "Software licences"}),
        ),
        "Clouds is not the name of one active billing code for recurring services in Autotask.",
    ),
    Case(
        "service-vendor-resolves",
        sets("product", "vendor", "Osprey Digital Supply", "pro"),
        "Its vendor, Osprey Digital Supply, is not one active company of type Vendor in Autotask.",
    ),
    Case(
        "service-manufacturer-needs-a-vendor-type",
        also(
            setting("default_vendor_type", None), sets("product", "manufacturer", None, "one-off")
        ),
        "settings.manufacturers names Microsoft, but no default vendor type is set.",
    ),
    Case(
        "new-service-has-a-price",
        also(unknown("Services", "ContractServices"), sets("product", "price", Decimal(0), "pro")),
        "Its price in Work 365 is 0: the new service will be billed at 0.",
        "warning",
    ),
    Case(
        "new-service-has-a-price",
        also(
            unknown("Services", "ContractServices"), sets("product", "price", Decimal(-999), "pro")
        ),
        "Its price in Work 365 is missing: the new service will be billed at 0.",
        "warning",
    ),
    Case(
        "new-service-has-a-price",
        also(unknown("Services", "ContractServices"), sets("product", "price", None, "pro")),
        "Its price in Work 365 is missing: the new service will be billed at 0.",
        "warning",
    ),
    Case(
        "one-off-product-is-active",
        sets("product", "state", "Draft", "one-off"),
        "Draft in Work 365: only active products are sold.",
        "skip",
    ),
    Case(
        "product-billing-code-resolves",
        also(
            unknown("Products"),
            records("BillingCodes", "name", "Cloud subscriptions"),
            setting("billing_codes", {"services": "Cloud subscriptions", "products": "Boxes"}),
        ),
        "Boxes is not the name of one active billing code in Autotask.",
    ),
    Case(
        "product-vendor-resolves",
        sets("product", "vendor", "Osprey Digital Supply", "one-off"),
        "Its vendor, Osprey Digital Supply, is not one active company of type Vendor in Autotask.",
    ),
    Case(
        "product-manufacturer-needs-a-vendor-type",
        also(setting("default_vendor_type", None), sets("product", "manufacturer", None, "pro")),
        "settings.manufacturers names Microsoft, but no default vendor type is set.",
    ),
    # Customers
    Case(
        "customer-has-a-phone",
        sets("account", "phone", None),
        "It has no main phone; Autotask requires one.",
    ),
    Case(
        "customer-phone-is-valid",
        sets("account", "phone", "n/a"),
        '"n/a" is not a phone number in CH.',
    ),
    Case(
        "customer-phone-is-valid",
        sets("account", "phone", "0113 496 0288"),
        '"0113 496 0288" is not a phone number in CH.',
    ),
    Case(
        "customer-has-a-primary-contact",
        sets("account", "primary_contact", None),
        "It has no primary contact.",
    ),
    Case(
        "customer-has-a-primary-contact",
        sets("account", "primary_contact", "unknown"),
        "It has no primary contact.",
    ),
    Case(
        "customer-primary-contact-is-active",
        sets("contact", "state", "Inactive"),
        "Its primary contact, Reto Ammann, is inactive.",
    ),
    Case(
        "customer-primary-contact-is-its-own",
        sets("contact", "account", "another"),
        "Its primary contact, Reto Ammann, belongs to another account.",
    ),
    Case(
        "customer-country-is-known",
        sets("account", "country", "Swissland"),
        '"Swissland" is not a country.',
    ),
    Case(
        "customer-country-resolves",
        also(sets("account", "country", "Germany"), sets("account", "phone", "+41 44 668 18 01")),
        "Its country, Germany, is not one of the countries in Autotask.",
    ),
    Case(
        "customer-owner-resolves",
        also(new, records("Resources", "isActive", value=False)),
        (
            "Its owner, priya.raman@northgate-it.example, is not the e-mail of one active resource"
            " in Autotask."
        ),
    ),
    Case(
        "contact-is-of-an-active-account",
        sets("contact", "account", None),
        "The contact does not belong to an active account.",
        "skip",
    ),
    Case(
        "contact-has-a-first-name",
        sets("contact", "first_name", None),
        "Ammann has no first name; Autotask requires both names.",
    ),
    Case(
        "contact-phone-is-valid",
        sets("contact", "phone", "ext. 204"),
        '"ext. 204" is not a phone number in CH; it is left out.',
        "warning",
    ),
    Case(
        "contact-email-is-one-address",
        sets("contact", "email", "ann@alpine.example; bo@alpine.example"),
        '"ann@alpine.example; bo@alpine.example" is not one e-mail address; it is left out.',
        "warning",
    ),
    # Contracts
    Case(
        "contract-is-recurring",
        sets("billing_contract", "type", "Item Based"),
        "Autotask has no Item Based contracts; Alpine Dental AG-CSP-Monthly is Item Based.",
    ),
    Case(
        "contract-is-recurring",
        sets("billing_contract", "type", None),
        "Autotask has no Item Based contracts; Alpine Dental AG-CSP-Monthly has no type.",
    ),
    Case(
        "contract-customer-is-active",
        sets("account", "state", "Inactive"),
        "Its customer, Alpine Dental AG, is not active in Work 365.",
    ),
    Case(
        "contract-customer-is-active",
        also(sets("account", "state", "Inactive"), sets("account", "name", None)),
        "Its customer, which has no name, is not active in Work 365.",
    ),
    Case(
        "contract-customer-is-active",
        sets("billing_contract", "customer", "unread"),
        "Its customer is not a readable account in Work 365.",
    ),
    Case(
        "contract-has-an-end",
        sets("billing_contract", "end_date", None),
        "It has no end date; Autotask creates billing periods up to that date.",
    ),
    Case(
        "contract-ends-after-its-start",
        sets("billing_contract", "end_date", date(2025, 6, 30)),
        "It ends on 2025-06-30; its start is 2026-01-01, and a contract must end after it.",
    ),
    Case(
        "contract-ends-after-its-start",
        sets("billing_contract", "end_date", date(2026, 1, 1)),
        "It ends on 2026-01-01; its start is 2026-01-01, and a contract must end after it.",
    ),
    Case(
        "contract-starts-before-its-subscriptions",
        also(
            sets("subscription", "effective_start", date(2025, 12, 1)),
            adds("subscription", subscription("later", name="Visio Plan 2", product="other")),
        ),
        (
            "It starts on 2026-01-01, after its subscription Microsoft 365 Business Premium, which"
            " started on 2025-12-01."
        ),
    ),
    Case(
        "contract-frequency-is-a-period",
        sets("billing_contract", "billing_frequency", "Triennial"),
        "Its billing frequency Triennial is not a period of an Autotask contract.",
    ),
    Case(
        "setup-fee-has-a-billing-code",
        also(new, setting("setup_fee", 500)),
        ("A setup fee of 500 is billed for new contracts, and no billing code is set for it."),
    ),
    Case(
        "setup-fee-billing-code-resolves",
        also(
            new,
            setting("setup_fee", 500),
            setting("billing_codes", {**CODES, "setup_fee": "Set-up"}),
        ),
        (
            "A setup fee of 500 is billed for the new contract, and Set-up is not the name of one"
            " active billing code in Autotask."
        ),
    ),
    # Subscriptions
    Case(
        "subscription-is-not-usage",
        sets("subscription", "type", "Usage"),
        "Usage has no quantity: it is billed from consumption.",
        "skip",
    ),
    Case(
        "subscription-is-not-calculated",
        sets("subscription", "type", "Calculated"),
        "Calculated from other subscriptions: its quantity is always 1 and is not what is sold.",
        "skip",
    ),
    Case(
        "subscription-is-billable",
        sets("subscription", "billable", value=False),
        "Not billable: it is part of a bundle, or for provisioning only.",
        "skip",
    ),
    Case(
        "subscription-is-no-trial",
        sets("subscription", "is_trial", value=True),
        "A trial is not billed.",
        "skip",
    ),
    Case(
        "subscription-product-is-mapped",
        sets("subscription", "product", "one-off"),
        (
            "Its product, Office LTSC Standard 2024, is Non-Recurring and does not become an"
            " Autotask service."
        ),
    ),
    Case(
        "subscription-product-is-mapped",
        sets("subscription", "product", None),
        "It has no product, so it does not become an Autotask service.",
    ),
    Case(
        "subscription-product-is-mapped",
        also(sets("product", "name", None, "pro"), sets("product", "billing_type", None, "pro")),
        (
            "Its product, which has no name, is without a billing type and does not become an"
            " Autotask service."
        ),
    ),
    Case(
        "subscription-product-is-active",
        sets("product", "state", "Retired", "pro"),
        "Its product, Microsoft 365 Business Premium, is retired.",
    ),
    Case(
        "subscription-is-on-a-contract",
        sets("subscription", "contract", None),
        "It is on no billing contract, so it is not billed.",
    ),
    Case(
        "subscription-is-on-a-contract",
        sets("subscription", "contract", "unread"),
        "It is on no billing contract in Work 365 that can be read, so it is not billed.",
    ),
    Case(
        "subscription-customer-is-its-contracts",
        also(
            sets("subscription", "customer", "other"),
            adds("account", {"id": "other", "name": "Birkenhof Treuhand AG", "state": "Inactive"}),
        ),
        (
            "It belongs to Birkenhof Treuhand AG, but its contract Alpine Dental AG-CSP-Monthly"
            " belongs to Alpine Dental AG."
        ),
    ),
    Case(
        "subscription-customer-is-its-contracts",
        sets("subscription", "customer", None),
        (
            "It belongs to no customer with a name in Work 365, but its contract Alpine Dental"
            " AG-CSP-Monthly belongs to Alpine Dental AG."
        ),
    ),
    Case(
        "subscription-customer-is-its-contracts",
        sets("billing_contract", "customer", None),
        (
            "It belongs to Alpine Dental AG, but its contract Alpine Dental AG-CSP-Monthly belongs"
            " to none."
        ),
    ),
    Case(
        "subscription-customer-is-its-contracts",
        also(
            sets("subscription", "customer", "other"),
            adds("account", {"id": "other", "name": None, "state": "Inactive"}),
        ),
        (
            "It belongs to no customer with a name in Work 365, but its contract Alpine Dental"
            " AG-CSP-Monthly belongs to Alpine Dental AG."
        ),
    ),
    Case(
        "subscription-is-the-only-one-of-its-service",
        adds(
            "subscription", subscription("tub", name="Microsoft 365 Business Premium (reception)")
        ),
        (
            "Alpine Dental AG-CSP-Monthly has 2 subscriptions of one service: Microsoft 365"
            " Business Premium and Microsoft 365 Business Premium (reception)."
        ),
    ),
    Case(
        "subscription-quantity-is-known",
        sets("subscription", "quantity", Decimal(-2)),
        "Its quantity is -2; it must be 0 or more.",
    ),
    Case(
        "subscription-quantity-is-known",
        sets("subscription", "quantity", None),
        "Its quantity is missing; it must be 0 or more.",
    ),
    Case(
        "subscription-logs-give-its-quantity",
        sets("subscription", "quantity", Decimal(14)),
        "Its change logs add up to 12, but its quantity is 14.",
    ),
    Case(
        "subscription-unit-is-its-services-period",
        sets("subscription", "unit", "Annual"),
        "It is sold by the unit Annual, but its service, M365 Business Premium, is billed monthly.",
    ),
    Case(
        "subscription-currency-is-its-contracts",
        sets("subscription", "currency", "EUR"),
        "It is priced in EUR, its contract in CHF: Autotask bills the contract's.",
        "warning",
    ),
    # Changes
    Case(
        "change-is-of-units",
        pending(change("price", date(2026, 11, 20), 0, is_audit=True)),
        "A change of price only: no units to send.",
        "skip",
    ),
    Case(
        "change-is-of-units",
        pending(change("nothing", date(2026, 11, 20), 0)),
        "A change of price only: no units to send.",
        "skip",
    ),
    Case(
        "change-is-provisioned",
        sets("license_change", "provisioning_status", "Awaiting Provisioning", "second"),
        "The change by 2 from 2026-11-20 is Awaiting Provisioning.",
        "hold",
    ),
    Case(
        "change-is-provisioned",
        sets("license_change", "provisioning_status", "Failed Provisioning", "second"),
        "The change by 2 from 2026-11-20 is Failed Provisioning.",
        "hold",
    ),
    Case(
        "change-is-within-its-contract",
        also(
            sets("billing_contract", "start_date", None),
            sets("billing_contract", "end_date", date(2026, 11, 19)),
        ),
        (
            "It takes effect on 2026-11-20; Alpine Dental AG-CSP-Monthly runs from an unknown day"
            " to 2026-11-19 in Work 365."
        ),
        "hold",
    ),
    Case(
        "change-is-within-its-contract",
        sets("billing_contract", "end_date", date(2026, 11, 19)),
        (
            "It takes effect on 2026-11-20; Alpine Dental AG-CSP-Monthly runs from 2026-01-01 to"
            " 2026-11-19 in Work 365."
        ),
        "hold",
    ),
    Case(
        "change-is-within-the-autotask-contract",
        also(
            sets("subscription", "effective_start", date(2026, 11, 1)),
            records("Contracts", "startDate", date(2026, 12, 1)),
        ),
        (
            "It takes effect on 2026-11-20; Alpine Dental AG-CSP-Monthly runs from 2026-12-01 to"
            " 2028-12-31 in Autotask."
        ),
        "hold",
    ),
    Case(
        "change-is-in-an-open-period",
        sets("license_change", "effective_date", date(2026, 10, 20), "second"),
        "2026-10-20 is in a period that is approved and posted. The first open day is 2026-11-01.",
        "hold",
    ),
    Case(
        "change-leaves-no-negative-units",
        pending(change("down", date(2026, 11, 20), -11), change("up", date(2026, 11, 25), 5)),
        "-11 from 2026-11-20 would leave -1 units.",
        "hold",
    ),
    Case(
        "reduction-is-credited",
        pending(change("down", date(2026, 11, 5), -3)),
        "-3 from 2026-11-05: the days already billed are credited by proration.",
        "info",
    ),
]
