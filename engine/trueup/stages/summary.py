"""The figures of a plan: numbers of changes and rows, and the effect on money."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from trueup.model.change import Action, Change
from trueup.model.finding import Severity
from trueup.model.plan import NO_TOTALS, Blocked, GoneRows, LedgerTotals, Money, Summary


class Counts(Struct, frozen=True):
    """What was read for a plan, and how many API calls it costs."""

    source_rows: int
    source_tables: int
    records: int
    read_calls: int
    apply_calls: int


def summarize(
    counts: Counts,
    changes: Sequence[Change],
    blocked: Sequence[Blocked] = (),
    ledger: LedgerTotals = NO_TOTALS,
    gone: Sequence[GoneRows] = (),
) -> Summary:
    """The summary of a plan with these changes, blocked rows and totals of the ledger."""
    held = sum(1 for one in blocked if waits(one))
    adjusting = [change for change in changes if change.action is Action.ADJUST]
    run_rate = Money.of(change.monthly for change in changes)
    lost = Money.of(change.lost for change in changes)
    return Summary(
        source_rows=counts.source_rows,
        source_tables=counts.source_tables,
        records=counts.records,
        read_calls=counts.read_calls,
        apply_calls=counts.apply_calls,
        monthly=run_rate.net,
        prices_unknown=sum(1 for change in adjusting if change.price_unknown),
        prices_zero=sum(1 for change in adjusting if change.monthly == 0 and change.unit_change),
        actions=dict(sorted(Counter(str(change.action) for change in changes).items())),
        blocked=len(blocked) - held,
        held=held,
        run_rate=run_rate,
        invoice=Money.of(change.invoice_amount for change in changes),
        one_off=Money.of(change.one_off for change in changes),
        lost=lost.more,
        credit=-lost.less,
        ledger=ledger,
        rows_gone=tuple(gone),
    )


def waits(blocked: Blocked) -> bool:
    """Returns whether the row is only held: a person, or an earlier change, releases it."""
    return all(finding.severity is Severity.HOLD for finding in blocked.findings)
