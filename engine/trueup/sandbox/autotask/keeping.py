"""How a tenant may keep other values than it was sent, without an error: a kind of fault.

Live tenants do so by workflow rules, by fields with fewer decimals, and by fields that null does
not clear. Source: docs/explanation/autotask.md, section 12, row 17.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from trueup.sandbox.http.json_types import Json


def kept(body: Mapping[str, Json], way: str, fields: str) -> dict[str, Json]:
    """Returns the fields of a write as they are kept.

    `way` is one of `request.KEEPS`; `fields` is a regular expression for the names of the fields
    that are kept otherwise.
    """
    return {
        name: _kept(value, way) if re.search(fields, name, re.IGNORECASE) else value
        for name, value in body.items()
        if not (way == "null" and value is None and re.search(fields, name, re.IGNORECASE))
    }


def _kept(value: Json, way: str) -> Json:
    if way == "capitals" and isinstance(value, str):
        return value.upper()
    if way == "rounded" and isinstance(value, float | Decimal):
        return int(Decimal(str(value)).to_integral_value(ROUND_HALF_UP))
    return value
