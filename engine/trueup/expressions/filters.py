"""All filters and tests that expressions may use, by their names in YAML.

A filter is added here and, if its result has a known type, in `config/checks/inference.py`.
"""

from collections.abc import Callable
from typing import Any, cast

from jinja2 import filters as jinja_filters
from jinja2 import tests as jinja_tests

from trueup.expressions import contact_filters as contacts
from trueup.expressions import country_filters as countries
from trueup.expressions import date_filters as dates
from trueup.expressions import list_filters as lists
from trueup.expressions import number_filters as numbers
from trueup.expressions import value_filters as values
from trueup.expressions.contact_filters import domain
from trueup.expressions.name_filters import normalise
from trueup.expressions.unreadable import refuse_unreadable
from trueup.expressions.value_filters import as_text

__all__ = ["FILTERS", "TESTS", "as_text", "domain", "normalise"]

_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": numbers.absolute,
    "country": countries.country,
    "date": dates.to_date,
    "days": dates.days,
    "decimal": numbers.to_decimal,
    "default": values.default,
    "domain": contacts.domain,
    "first": lists.first,
    "int": numbers.to_int,
    "join": lists.join,
    "last": lists.last,
    "length": len,
    "list": list,
    "lower": values.lower,
    "map": lists.pluck,
    "max": lists.extreme(max),
    "min": lists.extreme(min),
    "money": numbers.money,
    "months": dates.months,
    "normalise": normalise,
    "phone": contacts.phone,
    "reject": lists.picking(jinja_filters.sync_do_reject),
    "rejectattr": lists.picking(jinja_filters.sync_do_rejectattr),
    "replace": values.replace,
    "round": numbers.rounded,
    "select": lists.picking(jinja_filters.sync_do_select),
    "selectattr": lists.picking(jinja_filters.sync_do_selectattr),
    "sort": lists.ordered,
    "string": values.as_text,
    "sum": lists.total,
    "trim": values.trim,
    "truncate_visibly": values.truncate_visibly,
    "unique": lists.unique,
    "upper": values.upper,
    "yes_no": values.yes_no,
}

_JINJA_TESTS = (
    "defined",
    "undefined",
    "none",
    "in",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "equalto",
    "true",
    "false",
    "string",
    "number",
    "sameas",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
)
"""The tests that are taken from Jinja as they are."""

_TESTS: dict[str, Callable[..., Any]] = {
    **{name: cast("Callable[..., Any]", jinja_tests.TESTS[name]) for name in _JINJA_TESTS},
    "country": countries.is_country,
    "date": dates.is_date,
    "email": contacts.is_email,
    "phone": contacts.is_phone,
    "whole": numbers.is_whole,
}

FILTERS = {name: refuse_unreadable(function) for name, function in _FILTERS.items()}
TESTS = {name: refuse_unreadable(function) for name, function in _TESTS.items()}
