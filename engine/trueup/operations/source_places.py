"""Adds the places of source rows to results that name rows."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import astuple

from trueup.model.evaluation import SourceRow
from trueup.operations.mapped_fields import with_mapped_fields
from trueup.ports.source import Source

_Result = TypeVar("_Result")


def with_places(result: _Result, source: Source) -> _Result:
    """Returns the result with the place of each `SourceRow`, if the source consists of files.

    The result is a frozen struct, or a tuple or list of them. Raises SourceError.
    """
    keys: dict[str, set[str]] = {}
    for row in _rows(result):
        keys.setdefault(row.table, set()).add(row.key)
    places = {
        (table, key): SourceRow(table, key, place)
        for table, wanted in sorted(keys.items())
        for key, place in source.places(table, sorted(wanted)).items()
    }
    placed: _Result = _placed(result, places)
    return placed


def _rows(result: object) -> Iterator[SourceRow]:
    match result:
        case SourceRow():
            yield result
        case list() | tuple():
            for one in result:
                yield from _rows(one)
        case Struct():
            for one in astuple(result):
                yield from _rows(one)
        case _:
            pass


def _placed(result: Any, places: Mapping[tuple[str, str], SourceRow]) -> Any:  # noqa: ANN401 -- as given
    match result:
        case SourceRow():
            return places.get((result.table, result.key), result)
        case tuple() if type(result) is tuple:
            return tuple(_placed(one, places) for one in result)
        case list():
            return [_placed(one, places) for one in result]
        case Struct():
            return with_mapped_fields(result, lambda value: _placed(value, places))
        case _:
            return result
