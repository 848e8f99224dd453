"""A project as in its YAML files, checked and with places; nothing is evaluated yet."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.model.approval import ApprovalPolicy
from trueup.model.catalogue import Catalogue
from trueup.model.decision import Decision
from trueup.model.desk import NO_DESK, DeskSettings
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import MappingSpec, Value
from trueup.model.note import Note
from trueup.model.notice import NoticeOptions
from trueup.model.overlay import Overlay
from trueup.model.plan import OwnerMappings
from trueup.model.rule_scopes import RuleOn
from trueup.model.verdict import Topic


class Rule(Struct, frozen=True):
    """One assertion with a severity and a message."""

    name: str
    for_: str  # the mapping; empty for `on: plan`
    on: RuleOn
    check: Value
    severity: Severity
    message: Value
    remedy: Value
    place: Place
    when: Value | None = None
    when_linked: Severity | None = None  # for rows that are linked: another severity
    fields: tuple[str, ...] = ()  # that are left as they are in the record of such a row


class Guards(Struct, frozen=True):
    """Limits that a plan may exceed only with `--over LIMIT`."""

    creates: Mapping[str, int]  # by entity; "*" for all others
    deactivations: Mapping[str, int]
    share_changed: Mapping[str, Decimal]  # share of records linked, or about to be, from 10 up
    adjustments: Mapping[str, int]  # count: how many; seats: units that they move, either way
    rows_gone: Mapping[str, Decimal]  # by table: share of known rows that are gone, from 10 up
    monthly_effect: Decimal  # on the run rate: more, and less, each by itself
    one_off_effect: Decimal  # charged once: more, and less, owed or lost, each by itself
    calls: int  # that applying costs


class Connection(Struct, frozen=True):
    """A source, target or state as trueup.yaml configures it.

    Its values may hold secrets and must never be printed.
    """

    connector: str
    options: Mapping[str, object]
    place: Place
    unset: tuple[Finding, ...] = ()  # environment variables that it needs and that are not set
    is_default: bool = False  # trueup.yaml does not name one

    def __repr__(self) -> str:
        return f"Connection({self.connector!r})"


class Project(Struct, frozen=True):
    """All files of a project, checked."""

    root: str  # the folder with trueup.yaml, mappings and rules; `own` may be another one
    name: str
    source: Connection
    target: Connection
    state: Connection
    zone: ZoneInfo  # business time zone
    settings: Mapping[str, object]
    guards: Guards
    mappings: Mapping[str, MappingSpec]  # in order of dependency
    rules: tuple[Rule, ...]
    decisions: tuple[Decision, ...]  # at most one for each row and topic
    catalogue: Catalogue
    digest: str  # of all that decides a plan: files, not secrets
    settle_after: timedelta = timedelta(minutes=5)
    as_of: date | None = None  # fixed by the demo's project only
    as_of_place: Place | None = None  # where it is fixed
    currency: str = ""  # the tenant's internal currency, for showing money
    batch: int = 500  # changes whose preconditions are checked together before they are written
    placeholders: tuple[str, ...] = ()  # texts that stand for no value, besides the usual ones
    notify: NoticeOptions = NoticeOptions()  # who receives notices, and about what
    warnings: tuple[Finding, ...] = ()  # about files that have no effect
    notes: tuple[Note, ...] = ()  # of rows; no plan depends on them
    approval: ApprovalPolicy | None = None  # None: no plan needs an approval
    desk: DeskSettings = NO_DESK
    overlay: Overlay | None = None  # of a tenant that shares the files with other tenants

    @property
    def own(self) -> Path:
        """The folder of decisions, notes and all written files.

        It is the project's folder, unless tenants of a fleet share that one.
        """
        return self.overlay.folder if self.overlay else Path(self.root)

    def decided(self, mapping: str, key: str, topic: Topic) -> Decision | None:
        """Returns the decision about the row on that topic."""
        of_row = (
            decision
            for decision in self.decisions
            if (decision.mapping, decision.key) == (mapping, key)
        )
        return next((one for one in of_row if topic in one.verdict.topics), None)

    @property
    def tenant(self) -> str:
        """The name by which a shared database identifies this project's state; else ""."""
        return str(self.state.options.get("tenant", ""))

    def kept_file(self, name: str) -> str:
        """Returns where a cache of commands is, relative to the project; each tenant has its own.

        Git ignores that folder in projects that `trueup init` makes.
        """
        return f".trueup/{self.tenant}.{name}" if self.tenant else f".trueup/{name}"

    @property
    def customer_mapping(self) -> str:
        """The mapping whose rows are the customers; "" if the project names none."""
        marked = (name for name, mapping in self.mappings.items() if mapping.is_customer)
        return next(marked, "customer" if "customer" in self.mappings else "")

    @property
    def owners(self) -> OwnerMappings:
        """The mappings of customers, services and contracts, by what they write records of."""
        by_role: dict[str, list[str]] = {}
        for name, mapping in sorted(self.mappings.items()):
            entity = self.catalogue.entities.get(mapping.target.entity)
            by_role.setdefault(entity.role if entity else "", []).append(name)
        return OwnerMappings(
            self.customer_mapping or next(iter(by_role.get("customer", ())), ""),
            tuple(by_role.get("service", ())),
            tuple(by_role.get("contract", ())),
        )

    def ledger_of(self, pending: str) -> MappingSpec | None:
        """Returns the mapping whose ledger the changes of this append-only mapping move."""
        return next(
            (
                mapping
                for mapping in self.mappings.values()
                if mapping.ledger and mapping.ledger.pending == pending
            ),
            None,
        )
