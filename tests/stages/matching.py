"""Rows and records to be matched, with as little as a test has to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from trueup.expressions import evaluate
from trueup.model.catalogue import SystemNames
from trueup.model.change import Unknown
from trueup.model.decision import Decision
from trueup.model.finding import Place, Severity
from trueup.model.mapping import FieldSpec, MatchKey, Reference, Strength
from trueup.model.mapping_state import MappingState
from trueup.stages.match import MatchInputs, match

from tests.stages.examples import mapping, spec, specs, value

AS_OF = date(2026, 11, 15)
FIELDS = (
    spec("companyName", "{{ source.name }}"),
    spec("webAddress", "{{ source.web }}"),
    spec("city", "{{ source.city }}"),
    spec("unitPrice", "{{ source.price }}"),
)
BY_ID = specs(externalID="{{ source.id }}")
BY_NAME = specs(companyName="{{ source.name }}")
BY_NUMBER = specs(companyNumber="{{ source.number }}")
NEEDS_DECISION = ("needs-decision", Severity.HOLD)


@dataclass
class Case:
    """Rows and records to be matched, and what came of it."""

    rows: dict[str, dict[str, Any]]
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=lambda: BY_ID)
    keys: tuple[Mapping[str, Any], ...] = (BY_NUMBER, BY_NAME)
    create: object = "auto"
    strength: Strength = Strength.NORMAL
    similar: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    handed_over: dict[str, int] = field(default_factory=dict)
    not_ready: tuple[str, ...] = ()  # rows of the table that are out of scope
    gone: tuple[str, ...] = ()  # linked rows that are in the table no more
    fails: tuple[str, ...] = ()  # rows whose fields cannot be evaluated
    ledger: object = None
    more_fields: tuple[FieldSpec, ...] = ()

    def __post_init__(self):
        one = mapping(
            "customer",
            (*FIELDS, *self.more_fields),
            identity=self.identity,
            match=tuple(MatchKey(key, self.strength) for key in self.keys),
            create=value(self.create, 9),
            similar=self.similar,
            evidence=self.evidence,
            ledger=self.ledger,
        )
        empty = dict.fromkeys(("name", "number", "web", "city", "price"))
        rows = {key: {**empty, "id": key, **row} for key, row in self.rows.items()}
        self.state = MappingState(
            one, rows, records={id_: {"id": id_, **record} for id_, record in self.records.items()}
        )
        self.state.ready.update({key: () for key in rows if key not in self.not_ready})
        self.state.out_of_scope.update(self.not_ready)
        known = MatchInputs(
            links=self.links,
            decisions=self.decisions,
            as_of=AS_OF,
            names=lambda key: {"source": rows[key], "settings": {"create": "ask"}},
            label=lambda key: str(rows[key]["name"] or key) if key in rows else key,
            values=self.values,
            handed_over=self.handed_over,
            placeholders=self.placeholders,
            systems=SystemNames("Work 365", "Autotask"),
        )
        self.matched = match(self.state, known)
        self.matched.apply_to(self.state)

    def values(self, key, wanted):
        if key in self.fails:
            return None
        names = {"source": self.state.rows[key], "new": Unknown("x")}
        return {
            name: evaluate(
                one.value.of.raw if isinstance(one.value, Reference) else one.value.raw, names
            )
            for name, one in wanted.items()
        }

    @property
    def ids(self):
        return self.state.record_ids

    @property
    def how(self):
        return self.matched.how

    @property
    def create_(self):
        return self.matched.create

    def why(self, key):
        return [(one.code, one.severity) for one in self.state.blocked.get(key, ())]

    def texts(self, key):
        return [one.text for one in self.state.blocked.get(key, ())]


def decided(key, verdict, record=None, until=None, reason="because"):
    return {
        key: Decision(
            "customer", key, verdict, Place("mappings/decisions.yaml", 3, 1), record, reason, until
        )
    }


def remedy(case, key):
    """The way out of what a row is blocked for."""
    (finding,) = case.state.blocked[key]
    return finding.remedy
