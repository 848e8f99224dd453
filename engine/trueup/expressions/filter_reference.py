"""Describes each filter with an example and its result, for the reference and `trueup eval`.

The text is the docstring of the filter's function. `tests/expressions/test_filter_reference.py`
evaluates every example.
"""

from collections.abc import Callable, Sequence
from inspect import Parameter, cleandoc, signature

from trueup.expressions.filters import FILTERS
from trueup.expressions.value_filters import LONGEST
from trueup.model.filter_help import FilterHelp

_TEXTS = {
    "length": "Returns the number of items, or of characters.",
    "list": "Returns the items as a list.",
    "max": "Returns the largest value, or the item with it in `attribute`; none if there is none.",
    "min": "Returns the smallest value, or the item with it in `attribute`; none if there is none.",
    "reject": "Returns the items that fail a test: `rejectattr` without an attribute.",
    "rejectattr": "Returns the items whose attribute fails a test: `rejectattr('state', 'none')`.",
    "select": "Returns the items that pass a test; without a test, those that are true.",
    "selectattr": "Returns the items whose attribute passes a test: `selectattr('units', '>', 0)`.",
}
"""Texts of filters that are taken from Python or Jinja."""

_ARGUMENTS = {
    "length": "",
    "list": "",
    "max": "(attribute)",
    "min": "(attribute)",
    "reject": "(test, …)",
    "rejectattr": "(attribute, test, …)",
    "select": "(test, …)",
    "selectattr": "(attribute, test, …)",
}
"""Arguments of filters whose functions have no useful signature."""

_SEATS = "[{'name': 'E5', 'units': 3}, {'name': 'E3', 'units': 2}]"

EXAMPLES = {
    "abs": ("-4.5 | abs", "4.5"),
    "average": ("[10, 20, 60] | average", "30"),
    "capitalize": ("'net 30 days' | capitalize", '"Net 30 days"'),
    "ceiling": ("2.1 | ceiling", "3"),
    "country": ("'Schweiz' | country", '"CH"'),
    "date": ("'2026-11-15' | date('%d.%m.%Y')", '"15.11.2026"'),
    "days": ("'2026-11-15' | date | days(30)", "2026-12-15"),
    "days_until": ("'2026-11-15' | date | days_until('2026-12-01' | date)", "16"),
    "decimal": ("'12.50' | decimal", "12.5"),
    "default": ("none | default('Monthly')", '"Monthly"'),
    "domain": ("'https://www.example.com/about' | domain", '"example.com"'),
    "end_of_month": ("'2026-02-10' | date | end_of_month", "2026-02-28"),
    "first": ("['a', 'b'] | first", '"a"'),
    "floor": ("2.9 | floor", "2"),
    "int": ("'12' | int", "12"),
    "join": ("['a', none, 2.50] | join(' / ')", '"a /  / 2.5"'),
    "keys": ("{'Monthly': 1, 'Annual': 12} | keys", '["Monthly", "Annual"]'),
    "last": ("['a', 'b'] | last", '"b"'),
    "length": ("'Alpine' | length", "6"),
    "list": ("'ab' | list", '["a", "b"]'),
    "lower": ("'Alpine' | lower", '"alpine"'),
    "map": (f"{_SEATS} | map('name')", '["E5", "E3"]'),
    "max": ("[3, none, 7] | max", "7"),
    "min": (f"({_SEATS} | min('units')).name", '"E3"'),
    "money": ("1234.5 | money", '"1,234.50"'),
    "months": ("'2026-01-31' | date | months(1)", "2026-02-28"),
    "normalise": ("'Élan Telecom, s.r.o.' | normalise", '"elan telecom"'),
    "pad": ("'42' | pad(6)", '"000042"'),
    "phone": ("'020 7946 0123' | phone('GB')", '"+44 20 7946 0123"'),
    "regex_find": (r"'PO 4711/26' | regex_find('([0-9]+)/', 1)", '"4711"'),
    "regex_find_all": ("'E3, E5 and P1' | regex_find_all('[A-Z][0-9]')", '["E3", "E5", "P1"]'),
    "regex_replace": (r"'Frei, Anna' | regex_replace('(.*), (.*)', '\\2 \\1')", '"Anna Frei"'),
    "reject": ("[1, none, 2] | reject('none')", "[1, 2]"),
    "rejectattr": (f"{_SEATS} | rejectattr('units', '>', 2) | map('name')", '["E3"]'),
    "replace": ("'a-b-c' | replace('-', ' ')", '"a b c"'),
    "reverse": ("[1, 2, 3] | reverse", "[3, 2, 1]"),
    "round": ("2.345 | round(2)", "2.35"),
    "select": ("[1, none, 2] | select", "[1, 2]"),
    "selectattr": (f"{_SEATS} | selectattr('units', '>', 2) | map('name')", '["E5"]'),
    "slice": ("'CSP-2026-0815' | slice(-4)", '"0815"'),
    "sort": ("[3, 1, none, 2] | sort", "[1, 2, 3, none]"),
    "split": ("'Basel; Bern' | split(';')", '["Basel", "Bern"]'),
    "start_of_month": ("'2026-11-15' | date | start_of_month", "2026-11-01"),
    "string": ("12.50 | string", '"12.5"'),
    "substring": ("'CSP-2026-0815' | substring(4, 4)", '"2026"'),
    "sum": (f"{_SEATS} | sum('units')", "5"),
    "title": ("'ALPINE dental-care' | title", '"Alpine Dental-Care"'),
    "trim": ("'  Alpine ' | trim", '"Alpine"'),
    "truncate_visibly": ("'Microsoft 365 Business' | truncate_visibly(10)", '"Microsoft…"'),
    "unique": ("['a', 'b', 'a'] | unique", '["a", "b"]'),
    "upper": ("'chf' | upper", '"CHF"'),
    "weekday": ("'2026-11-15' | date | weekday", "7"),
    "yes_no": ("true | yes_no", '"Yes"'),
}
"""One example of each filter, as it stands between the braces, and its result."""


def filter_reference() -> Sequence[FilterHelp]:
    """Returns every filter, by name."""
    return [
        FilterHelp(
            name,
            _arguments(name, function),
            _TEXTS.get(name) or described(function),
            *EXAMPLES[name],
        )
        for name, function in FILTERS.items()
    ]


def _arguments(name: str, function: Callable[..., object]) -> str:
    if name in _ARGUMENTS:
        return _ARGUMENTS[name]
    parameters = [*signature(function).parameters.values()][1:]
    shown = [
        parameter.name
        if parameter.default in (Parameter.empty, None)
        else f"{parameter.name}={parameter.default!r}"
        for parameter in parameters
    ]
    return f"({', '.join(shown)})" if shown else ""


def described(function: Callable[..., object]) -> str:
    """Returns the docstring of a filter or test in the words of expressions."""
    text = " ".join(cleandoc(function.__doc__ or "").split())
    text = text.replace("Returns whether it is", "It is").replace("None", "none")
    text = text.replace("Raises `ValueError` if", "It is an error if")
    text = text.replace("Raises `ValueError` for a group", "It is an error to name a group")
    text = text.replace(
        "Raises `ValueError` for a fraction, which is", "A fraction is an error and"
    )
    return text.replace("`LONGEST`", f"{LONGEST:,} characters")
