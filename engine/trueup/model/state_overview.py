"""What a state holds, to be shown: all links, or all about one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trueup.model.audit import AuditEntry
from trueup.model.doubt import ChangeInDoubt
from trueup.model.run import Lease, Link, Pushed, Run


@dataclass(frozen=True, slots=True)
class StateOverview:
    """The links, and what needs attention."""

    links: Sequence[Link]
    names: Mapping[tuple[str, str], str]  # of the rows, by mapping and key
    holder: Lease | None = None
    open_runs: Sequence[Run] = ()
    in_doubt: Sequence[ChangeInDoubt] = ()
    audit: Sequence[AuditEntry] = ()


@dataclass(frozen=True, slots=True)
class RowState:
    """All that the state has about one row."""

    name: str = ""
    link: Link | None = None
    applied: Mapping[str, object] = field(default_factory=dict)
    pushed: Pushed | None = None
    audit: Sequence[AuditEntry] = ()
