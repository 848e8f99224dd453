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
from trueup.expressions import patterns
from trueup.expressions import text_filters as texts
from trueup.expressions import value_filters as values
from trueup.expressions.contact_filters import domain
from trueup.expressions.name_filters import look_alike, names_in, normalise
from trueup.expressions.unreadable import refuse_unreadable
from trueup.expressions.value_filters import as_text

__all__ = ["FILTERS", "TESTS", "as_text", "domain", "look_alike", "names_in", "normalise"]

_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": numbers.absolute,
    "average": lists.average,
    "capitalize": texts.capitalize,
    "ceiling": numbers.ceiling,
    "country": countries.country,
    "date": dates.to_date,
    "days": dates.days,
    "days_until": dates.days_until,
    "decimal": numbers.to_decimal,
    "default": values.default,
    "domain": contacts.domain,
    "end_of_month": dates.end_of_month,
    "first": lists.first,
    "floor": numbers.floor,
    "int": numbers.to_int,
    "join": lists.join,
    "keys": lists.keys,
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
    "pad": texts.pad,
    "phone": contacts.phone,
    "regex_find": patterns.regex_find,
    "regex_find_all": patterns.regex_find_all,
    "regex_replace": patterns.regex_replace,
    "reject": lists.picking(jinja_filters.sync_do_reject),
    "rejectattr": lists.picking(jinja_filters.sync_do_rejectattr),
    "replace": values.replace,
    "reverse": lists.reverse,
    "round": numbers.rounded,
    "select": lists.picking(jinja_filters.sync_do_select),
    "selectattr": lists.picking(jinja_filters.sync_do_selectattr),
    "slice": texts.cut,
    "sort": lists.ordered,
    "split": texts.split,
    "start_of_month": dates.start_of_month,
    "string": values.as_text,
    "substring": texts.substring,
    "sum": lists.total,
    "title": texts.title,
    "trim": values.trim,
    "truncate_visibly": values.truncate_visibly,
    "unique": lists.unique,
    "upper": values.upper,
    "weekday": dates.weekday,
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
    "ends_with": texts.ends_with,
    "matches": patterns.matches,
    "number": numbers.is_number,
    "phone": contacts.is_phone,
    "starts_with": texts.starts_with,
    "whole": numbers.is_whole,
}

FILTERS = {name: refuse_unreadable(function) for name, function in _FILTERS.items()}
TESTS = {name: refuse_unreadable(function) for name, function in _TESTS.items()}
