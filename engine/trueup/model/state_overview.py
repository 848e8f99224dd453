"""What a state holds, to be shown: all links, or all about one row."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from trueup.model.audit import AuditEntry
from trueup.model.doubt import ChangeInDoubt
from trueup.model.run import Lease, Link, Pushed, Run


class StateOverview(Struct, frozen=True):
    """The links, and what needs attention."""

    links: Sequence[Link]
    names: Mapping[tuple[str, str], str]  # of the rows, by mapping and key
    holder: Lease | None = None
    open_runs: Sequence[Run] = ()
    in_doubt: Sequence[ChangeInDoubt] = ()
    audit: Sequence[AuditEntry] = ()


class RowState(Struct, frozen=True):
    """All that the state has about one row."""

    name: str = ""
    link: Link | None = None
    applied: Mapping[str, object] = {}
    pushed: Pushed | None = None
    audit: Sequence[AuditEntry] = ()
