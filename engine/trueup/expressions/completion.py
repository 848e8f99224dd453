"""The ways to go on with an expression that is being typed."""

import re
from collections.abc import Iterable, Mapping, Sequence

from trueup.expressions.filters import FILTERS, TESTS
from trueup.model.catalogue import Catalogue
from trueup.model.mapping import MappingSpec

_LAST_WORD = re.compile(r"[\w.]*\Z")
_FILTER = re.compile(r"\|\s*\Z")
_TEST = re.compile(r"\bis\s+(not\s+)?\Z")


def completions(
    text: str, mapping: MappingSpec, catalogue: Catalogue, settings: Mapping[str, object]
) -> Sequence[str]:
    """Returns what the last word of `text` may become, in order: a name, a filter or a test.

    A name is completed up to the next dot: `so` to `source.`, `source.na` to `source.name`.
    """
    found = _LAST_WORD.search(text)
    word = found[0] if found else ""
    before = text[: len(text) - len(word)]
    if _FILTER.search(before):
        return _beginning(word, FILTERS)
    if _TEST.search(before):
        return _beginning(word, (name for name in TESTS if name.isidentifier()))
    *path, last = word.split(".")
    prefix = "".join(f"{part}." for part in path)
    return [
        f"{prefix}{name}" for name in _beginning(last, _parts(path, mapping, catalogue, settings))
    ]


def _beginning(word: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(word))


def _parts(
    path: Sequence[str], mapping: MappingSpec, catalogue: Catalogue, settings: Mapping[str, object]
) -> Iterable[str]:
    """Returns the names that may follow a path; a dot ends those that have parts of their own."""
    match path:
        case [] | ["plan"]:
            return ("as_of",) if path else ("source.", "related.", "settings.", "plan.")
        case ["source"]:
            return catalogue.tables[mapping.source.table].columns
        case ["related"]:
            return [f"{name}." if join.one else name for name, join in mapping.source.joins.items()]
        case ["related", name] if name in mapping.source.joins:
            return catalogue.tables[mapping.source.joins[name].table].columns
        case ["settings", *names]:
            return _setting_parts(settings, names)
        case _:
            return ()


def _setting_parts(settings: Mapping[str, object], path: Sequence[str]) -> Iterable[str]:
    value: object = settings
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    parts = value.items() if isinstance(value, Mapping) else ()
    return [f"{name}." if isinstance(part, Mapping) else str(name) for name, part in parts]
