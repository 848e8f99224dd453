"""The filters and tests that expressions may use, and no others, by the names that YAML knows them by."""

from collections.abc import Callable
from typing import Any, cast

from jinja2 import filters as stock
from jinja2 import tests as stock_tests

from engine.expressions import lists, values
from engine.expressions.unread import of_what_is_read
from engine.expressions.values import as_text, domain, normalise

__all__ = ["FILTERS", "TESTS", "as_text", "domain", "normalise"]

_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": values.absolute,
    "date": values.to_date,
    "days": values.days,
    "decimal": values.to_decimal,
    "default": values.default,
    "domain": values.domain,
    "first": lists.first,
    "int": values.to_int,
    "join": lists.join,
    "last": lists.last,
    "length": len,
    "list": list,
    "lower": values.lower,
    "map": lists.pluck,
    "max": lists.extreme(max),
    "min": lists.extreme(min),
    "money": values.money,
    "months": values.months,
    "normalise": values.normalise,
    "phone": values.phone,
    "reject": lists.picking(stock.sync_do_reject),
    "rejectattr": lists.picking(stock.sync_do_rejectattr),
    "replace": values.replace,
    "round": values.rounded,
    "select": lists.picking(stock.sync_do_select),
    "selectattr": lists.picking(stock.sync_do_selectattr),
    "sort": lists.ordered,
    "string": values.as_text,
    "sum": lists.total,
    "trim": values.trim,
    "truncate_visibly": values.truncate_visibly,
    "unique": lists.unique,
    "upper": values.upper,
    "yes_no": values.yes_no,
}

_STOCK_TESTS = [
    *("defined", "undefined", "none", "in", "eq", "ne", "lt", "le", "gt", "ge", "equalto", "true", "false"),
    *("string", "number", "sameas", "==", "!=", "<", "<=", ">", ">="),
]

_TESTS: dict[str, Callable[..., Any]] = {
    **{name: cast("Callable[..., Any]", stock_tests.TESTS[name]) for name in _STOCK_TESTS},
    "date": values.is_date,
    "email": values.is_email,
    "phone": values.is_phone,
    "whole": values.is_whole,
}

FILTERS = {name: of_what_is_read(one) for name, one in _FILTERS.items()}
TESTS = {name: of_what_is_read(one) for name, one in _TESTS.items()}
