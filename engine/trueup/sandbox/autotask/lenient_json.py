"""Reads JSON as leniently as Autotask does: unquoted names, single quotes, trailing commas.

The vendor's own examples have these forms. Source: docs/explanation/autotask.md, section 4.
"""

import json
import re
from collections.abc import Mapping

from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request

_NOT_JSON = "The request body is not valid JSON."
_TOKEN = re.compile(
    r"""
      ("(?:[^"\\]|\\.)*")        # text in double quotes
    | ('(?:[^'\\]|\\.)*')        # text in single quotes
    | ([A-Za-z_$][\w$.]*)        # a bare word
    | (,)(?=\s*[}\]])            # a trailing comma
    | (-?\d[\d.eE+-]*|.)         # a number, or any other character
    """,
    re.DOTALL | re.VERBOSE,
)
_LITERALS = {"true": "true", "false": "false", "null": "null", "none": "null"}


def read(text: str) -> Json:
    """Reads a JSON text. Raises `AutotaskError` if it cannot be read leniently either."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        strict = "".join(_strict(token) for token in _TOKEN.finditer(text))
    try:
        return json.loads(strict, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise AutotaskError(_NOT_JSON) from None


def body_text(request: Request) -> str:
    """Returns the request's body as text. Raises `AutotaskError` if it is not UTF-8."""
    try:
        return request.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AutotaskError(_NOT_JSON) from None


def mapping(value: Json, what: str) -> dict[str, Json]:
    """Returns a JSON object with its names in lower case, so that they match in any case.

    Raises `AutotaskError` that calls the value `what` if it is not an object.
    """
    if not isinstance(value, Mapping):
        raise AutotaskError(f"{what} must be a JSON object.")
    return {str(name).lower(): inner for name, inner in value.items()}


def _strict(token: re.Match[str]) -> str:
    """Returns a token of lenient JSON as strict JSON."""
    double, single, word, comma, other = token.groups()
    if single is not None:
        return json.dumps(re.sub(r"\\'", "'", single[1:-1]))
    if word is not None:
        return _LITERALS.get(word.lower()) or json.dumps(word)
    if comma is not None:
        return ""
    return double if double is not None else other


def _refuse_constant(name: str) -> Json:
    """Refuses NaN and Infinity, which Python's reader would accept."""
    raise ValueError(f"{name} is not JSON")
