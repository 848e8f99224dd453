"""JSON as the vendor's own examples have it: unquoted names, single quotes and trailing commas are read."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from engine.sandbox.answers import Refused

Json: TypeAlias = Any
"""What a JSON text may hold; nothing is known of it until it is looked at."""

_TOKEN = re.compile(
    r"""("(?:[^"\\]|\\.)*")|('(?:[^'\\]|\\.)*')|([A-Za-z_$][\w$.]*)|(,)(?=\s*[}\]])|(-?\d[\d.eE+-]*|.)""",
    re.DOTALL,
)
_PYTHON_CONSTANTS = {"true": "true", "false": "false", "null": "null", "none": "null"}


def read(text: str) -> Json:
    """The value that a text holds. Raises Refused for what cannot be read even so."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return _read_mended(text)


def _read_mended(text: str) -> Json:
    mended = "".join(_mended(match) for match in _TOKEN.finditer(text))
    try:
        return json.loads(mended, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("The request body is not valid JSON.") from None


def _mended(match: re.Match[str]) -> str:
    double, single, word, comma, other = match.groups()
    if single is not None:
        return json.dumps(re.sub(r"\\'", "'", single[1:-1]))
    if word is not None:
        return _PYTHON_CONSTANTS.get(word.lower()) or json.dumps(word)
    if comma is not None:
        return ""
    return double if double is not None else other


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


def mapping(value: Json, what: str) -> dict[str, Json]:
    """An object with its names in small letters, for names in any case. Raises Refused if it is none."""
    if not isinstance(value, Mapping):
        raise Refused(f"{what} must be a JSON object.")
    return {str(name).lower(): inner for name, inner in value.items()}
