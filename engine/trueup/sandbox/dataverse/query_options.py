"""Parses the query options of an address and the preferences of a request.

Unknown query options are refused, unknown preferences are ignored, as HTTP requires.
Source: docs/explanation/work365.md, section 6.2.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import parse_qsl

from msgspec import Struct

from trueup.sandbox.dataverse.responses import unknown_property, unsupported
from trueup.sandbox.http.request import Request

LARGEST_PAGE = 5000  # rows
FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
VERSION = "Microsoft.Dynamics.CRM.globalmetadataversion"
_ANNOTATIONS = "odata.include-annotations"
_TRACKING = "odata.track-changes"
_REPRESENTATION = "return=representation"
_PREFERENCE = re.compile(r'([a-zA-Z.\-]+)(?:\s*=\s*(?:"([^"]*)"|([^,;]*)))?')
_EXPAND = re.compile(r"([\w.]+)(?:\((.*)\))?", re.DOTALL)
_EXPAND_OPTIONS = ("$select", "$filter", "$orderby", "$top", "$expand")
_ORDER = re.compile(r"([\w/]+)(?:\s+(asc|desc))?")
_WHOLE = re.compile(r"\d{1,10}", re.ASCII)
_DEEPEST_EXPAND = 10  # levels


class Preferences(Struct, frozen=True):
    """The preferences of the `Prefer` header that the sandbox supports."""

    page: int = LARGEST_PAGE  # rows in a page
    paged: bool = False  # the request names that number
    tracked: bool = False  # send a delta link
    representation: bool = False  # answer a write with the row
    go_on: bool = False  # perform the rest of a batch after an error
    annotations: tuple[str, ...] = ()  # names, or beginnings that end with *
    given_annotations: str = ""  # as they were asked for

    def wants(self, annotation: str) -> bool:
        """Returns whether an annotation was asked for."""
        return any(
            annotation.startswith(wanted[:-1]) if wanted.endswith("*") else wanted == annotation
            for wanted in self.annotations
        )

    def applied(self, *, tracked: bool = False, representation: bool = False) -> str:
        """Returns the value of the header Preference-Applied."""
        applied = []
        if tracked and self.tracked:
            applied.append(_TRACKING)
        if representation and self.representation:
            applied.append(_REPRESENTATION)
        if self.given_annotations:
            applied.append(f'{_ANNOTATIONS}="{self.given_annotations}"')
        return ",".join(applied)


def preferences(request: Request) -> Preferences:
    """Parses the `Prefer` header."""
    given = {
        name.lower(): quoted or plain.strip()
        for name, quoted, plain in _PREFERENCE.findall(request.headers.get("prefer", ""))
    }
    size = given.get("odata.maxpagesize", "")
    is_paged = _WHOLE.fullmatch(size) is not None
    if not is_paged:
        size = str(LARGEST_PAGE)
    annotations = given.get(_ANNOTATIONS, "")
    return Preferences(
        page=min(int(size), LARGEST_PAGE) or LARGEST_PAGE,
        paged=is_paged,
        tracked=_TRACKING in given,
        representation=given.get("return") == "representation",
        go_on=given.get("odata.continue-on-error", "false") != "false"
        or given.get("odata.continue-on-error") == "",
        annotations=tuple(name.strip() for name in annotations.split(",") if name.strip()),
        given_annotations=annotations,
    )


def options(request: Request, known: Collection[str]) -> Mapping[str, str]:
    """Parses the query options; their names are case-sensitive.

    Raises `DataverseError` for an option that is unknown or given twice.
    """
    return _checked(parse_qsl(request.query, keep_blank_values=True), known)


def _checked(pairs: list[tuple[str, str]], known: Collection[str]) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise unsupported(f"The query parameter {name} is not supported.")
        if name in given:
            raise unsupported(f"Query option '{name}' was specified more than once.")
        given[name] = value
    return given


def selected(select: str | None, names: Collection[str], logical: str) -> list[str]:
    """Returns the columns of `$select`; all columns if there is no `$select`.

    Raises `DataverseError` for an unknown column.
    """
    if select is None or select.strip() == "*":
        return list(names)
    columns = [name.strip() for name in select.split(",")]
    for name in columns:
        if name not in names:
            raise unknown_property(name, f"type 'Microsoft.Dynamics.CRM.{logical}'")
    return columns


class Expand(Struct, frozen=True):
    """One expanded navigation property with its own options."""

    name: str
    options: Mapping[str, str] = {}

    @property
    def select(self) -> list[str]:
        """The selected columns; empty without `$select`."""
        select = self.options.get("$select")
        return [name.strip() for name in select.split(",")] if select else []


def expanded(expand: str | None, depth: int = 0) -> list[Expand]:
    """Parses `$expand`. Raises `DataverseError` for an option that is not supported."""
    if not expand:
        return []
    if depth > _DEEPEST_EXPAND:
        raise unsupported("The $expand is nested too deeply.")

    items = []
    for piece in _split(expand, ","):
        match = _EXPAND.fullmatch(piece.strip())
        if match is None:
            raise unsupported(f"The $expand '{expand:.200}' is not supported.")
        pairs = []
        for option in _split(match[2] or "", ";"):
            name, equals, value = option.strip().partition("=")
            if not equals:
                raise unsupported(f"The $expand '{expand:.200}' is not supported.")
            pairs.append((name, value))
        item = Expand(match[1], _checked(pairs, _EXPAND_OPTIONS))
        expanded(item.options.get("$expand"), depth + 1)  # refuses what is wrong at once
        items.append(item)
    return items


def ordered(orderby: str | None) -> list[tuple[str, bool]]:
    """Parses `$orderby` into columns, each with whether it descends. Raises `DataverseError`."""
    if not orderby:
        return []
    columns = []
    for piece in orderby.split(","):
        match = _ORDER.fullmatch(piece.strip())
        if match is None:
            raise unsupported(f"The $orderby '{orderby:.200}' is not supported.")
        columns.append((match[1], match[2] == "desc"))
    return columns


def whole_number(name: str, text: str | None) -> int | None:
    """Reads an option that is a whole number above zero. Raises `DataverseError`."""
    if text is None:
        return None
    if not _WHOLE.fullmatch(text) or not 0 < int(text) <= 1 << 31:
        raise unsupported(f"Invalid value '{text:.60}' for {name}; a positive number is expected.")
    return int(text)


def _split(text: str, separator: str) -> Iterator[str]:
    """Splits at separators outside parentheses and quoted texts."""
    start, level, quoted = 0, 0, False
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            level += {"(": 1, ")": -1}.get(character, 0)
            if character == separator and level == 0:
                yield text[start:position]
                start = position + 1
    if text[start:].strip():
        yield text[start:]
