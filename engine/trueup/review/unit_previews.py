"""The units in a preview: each service over time, its money, the customer's sentence."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.change import Change
from trueup.render.changes import effects
from trueup.render.customer_sentence import customer_sentence
from trueup.render.formatting import known_as
from trueup.render.joined import joined
from trueup.render.overview import Overview
from trueup.render.pennies import weight
from trueup.render.unit_steps import ServiceUnits, UnitLevel, units_over_time
from trueup.render.view import View
from trueup.review.chart import Chart, chart
from trueup.review.filters import Filter, page_of
from trueup.review.pages import address

ON_A_PAGE = 10
"""Services on one page of a preview; a chart and a table take some 3 kB."""


class ServicePreview(Struct, frozen=True):
    """One service."""

    name: str
    steps: tuple[UnitLevel, ...]
    chart: Chart
    effects: tuple[str, ...]  # on this invoice, and a month
    sentences: tuple[str, ...]  # for the customer


def unit_previews(
    seen: Overview, view: View, query: Mapping[str, str], digest: str
) -> Mapping[str, object]:
    """Returns the page of services of the address, as the template needs it."""
    found = sorted(units_over_time(seen.plan.changes), key=lambda one: -_weight(one, view))
    part = page_of(found, Filter.from_query(query).page, ON_A_PAGE)
    sentences = _sentences(seen, view)
    return {
        "services": [_preview(row, view, sentences) for row in part.rows],
        "services_part": part,
        "services_to": lambda page: address("/preview", digest=digest, page=page),
    }


def _weight(service: ServiceUnits, view: View) -> Decimal:
    """Returns how much money a service moves, for sorting: without a sign, see `pennies.weight`."""
    ids = [change.id for change in service.changes]
    amounts = view.money.invoice.total(ids), view.money.month.total(ids)
    return weight(amounts, price_unknown=any(one.price_unknown for one in service.changes))


def _preview(service: ServiceUnits, view: View, sentences: Mapping[str, str]) -> ServicePreview:
    name = known_as(service.row.name or service.row.key)
    found = (sentences[change.id] for change in service.changes if sentences.get(change.id))
    return ServicePreview(
        name=name,
        steps=service.steps,
        chart=chart(name, service),
        effects=tuple(filter(None, effects(service.changes, view))),
        sentences=tuple(dict.fromkeys(found)),
    )


def _sentences(seen: Overview, view: View) -> Mapping[str, str]:
    """Returns the sentences by change; changes that are sent together share one."""
    found: dict[str, str] = {}
    for changes in joined([change for change in seen.plan.changes if change.adjustment]):
        text = _sentence(changes, seen, view)
        found |= {change.id: text for change in changes}
    return found


def _sentence(changes: Sequence[Change], seen: Overview, view: View) -> str:
    ids = [change.id for change in changes]
    invoice, month = view.money.invoice.known(ids), view.money.month.known(ids)
    return customer_sentence(changes, seen.belonging.service, invoice, month, view.currency)
