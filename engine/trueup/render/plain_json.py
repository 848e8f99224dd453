"""Converts values to JSON: days as ISO 8601, decimals as numbers, places as text."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import singledispatch
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from trueup.model.finding import Place
from trueup.model.plan_json import DECIMAL_MARK, encode


@singledispatch
def plain_json(value: object) -> Any:  # noqa: ANN401 -- JSON
    """The value as `json.dumps` takes it. A decimal that no JSON number holds exactly is text."""
    if isinstance(value, Struct):
        return {name.rstrip("_"): plain_json(one) for name, one in asdict(value).items()}
    return value if value is None or isinstance(value, int | float) else str(value)


@plain_json.register(StrEnum)
@plain_json.register(Place)
def _text(value: object) -> str:
    return str(value)


@plain_json.register
def _decimal(value: Decimal) -> Any:  # noqa: ANN401 -- JSON
    number = encode(value)
    return number[DECIMAL_MARK] if isinstance(number, dict) else number


@plain_json.register
def _day(value: date) -> str:
    return value.isoformat()


@plain_json.register(Mapping)
def _map(value: Mapping[object, object]) -> dict[str, Any]:
    return {str(key): plain_json(one) for key, one in value.items()}


@plain_json.register(list)
@plain_json.register(tuple)
def _items(value: list[object] | tuple[object, ...]) -> Any:  # noqa: ANN401 -- JSON
    names = getattr(value, "_fields", None)
    items = [plain_json(one) for one in value]
    return dict(zip(names, items, strict=True)) if names else items
