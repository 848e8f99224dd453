"""The query of an address and the preferences of a request in; what is asked for out. What is not known is refused."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from engine.sandbox.dataverse.answers import Refusal
from engine.sandbox.request import Request

LARGEST_PAGE = 5000
_PREFERENCE = re.compile(r'([a-zA-Z.\-]+)(?:\s*=\s*(?:"([^"]*)"|([^,;]*)))?')
_EXPAND = re.compile(r"(\w+)(?:\(\$select=([\w,]+)\))?")
VERSION = "Microsoft.Dynamics.CRM.globalmetadataversion"


@dataclass(frozen=True, slots=True)
class Preferences:
    """The `Prefer` header, as far as it is known here; what is not is passed over, as HTTP has it."""

    page: int = LARGEST_PAGE
    tracked: bool = False
    version: bool = False
    representation: bool = False


def preferences(request: Request) -> Preferences:
    """What the client would like."""
    said = {
        name: quoted or plain.strip() for name, quoted, plain in _PREFERENCE.findall(request.headers.get("prefer", ""))
    }
    size = said.get("odata.maxpagesize", "")
    annotations = said.get("odata.include-annotations", "").split(",")
    return Preferences(
        page=min(int(size), LARGEST_PAGE) if size.isdigit() and int(size) else LARGEST_PAGE,
        tracked="odata.track-changes" in said,
        version=VERSION in annotations or "*" in annotations,
        representation=said.get("return") == "representation",
    )


def options(request: Request, known: Collection[str]) -> Mapping[str, str]:
    """The query options, each once and each known; their names are case-sensitive. Raises Refusal."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        if name not in known:
            raise Refusal(400, "0x80060888", f"The query parameter {name} is not supported.")
        if name in found:
            raise Refusal(400, "0x80060888", f"Query option '{name}' was specified more than once.")
        found[name] = value
    return found


def selected(select: str | None, names: Collection[str], logical: str) -> list[str]:
    """The columns of `$select`; all without one. Raises Refusal on a column that is not there."""
    if select is None:
        return list(names)
    asked = [name.strip() for name in select.split(",")]
    for name in asked:
        if name not in names:
            words = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{logical}'."
            raise Refusal(400, "0x80060888", words)
    return asked


def expanded(expand: str | None) -> Mapping[str, list[str]]:
    """Name → selected columns of `$expand`; deeper options are refused."""
    if not expand:
        return {}
    pieces = re.split(r",(?![^(]*\))", expand)
    found = [_EXPAND.fullmatch(piece) for piece in pieces]
    if not all(found):
        raise Refusal(400, "0x80060888", f"The $expand '{expand}' is not supported.")
    return {each[1]: each[2].split(",") if each[2] else [] for each in found if each}
