"""A plan as a JSON document, and back. The same plan gives the same text, byte for byte.

The second line is the digest of all other bytes, so that exactly the reviewed document is applied.
A third line, which the digest leaves out, lists the queries that were not read in full, if there
are any: the plan does not depend on it. `plan_json` defines the form of values.

Documents of format 1, which the state keeps of older runs, are read too: `plan_v1` translates them.
Those of format 2 may lack the fields that it was given later: `loads` fills them in.
"""

import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import BinaryIO

from msgspec import Struct

from trueup.errors import EngineError
from trueup.model import plan_v1
from trueup.model.gc_pause import gc_paused
from trueup.model.plan import FORMAT, Plan
from trueup.model.plan_json import decoder, encode, field_encoders, refuse_constant

READABLE = (plan_v1.FORMAT, FORMAT)
"""Formats that `loads` understands."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as broken sources have it: UTF-8 cannot hold it."""

PARTIAL_READS = "partial_reads"

_DIGEST_LINE = re.compile(
    r'\{\n "format": ([0-9]{1,9}),\n "digest": "([0-9a-f]{64})",\n'
    rf'(?: "{PARTIAL_READS}": \[[^\[\]\n]*\],\n)?'
)
_ALTERED = (
    "this plan was changed or cut short since it was made (its digest does not fit): plan again"
)


# Writing


def dumps(plan: Plan) -> str:
    """Returns the plan's document, ending in a newline."""
    file = io.BytesIO()
    write(plan, file)
    return file.getvalue().decode()


@gc_paused()
def write(plan: Plan, file: BinaryIO) -> None:
    """Writes the plan's document piece by piece, because the whole text takes much memory.

    The file must be empty and seekable: the digest is near its beginning and is known at the end.
    """
    digest = sha256(_HEAD)
    file.write(_HEAD)
    file.write(_digest_line("0" * 64))
    if plan.partial_reads:
        file.write(f' "{PARTIAL_READS}": {json.dumps(encode(plan.partial_reads))},\n'.encode())
    for piece in _pieces(plan):
        data = LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", piece).encode()
        digest.update(data)
        file.write(data)
    file.seek(len(_HEAD))
    file.write(_digest_line(digest.hexdigest()))
    file.seek(0, io.SEEK_END)


_HEAD = f'{{\n "format": {FORMAT},\n'.encode()
_JSON = json.JSONEncoder(ensure_ascii=False, indent=1, allow_nan=False)


def _digest_line(digest: str) -> bytes:
    return f' "digest": "{digest}",\n'.encode()


def _pieces(plan: Plan) -> Iterator[str]:
    """Yields the text after the digest, one change, finding or ledger line at a time."""
    comma = ""
    for name, way in field_encoders(Plan):
        if name == PARTIAL_READS:
            continue
        value = getattr(plan, name)
        yield f'{comma} "{name}": '
        yield from (
            _list_pieces(value, " ") if isinstance(value, tuple) else [_text(way(value), " ")]
        )
        comma = ",\n"
    yield "\n}\n"


def _list_pieces(values: tuple[object, ...], indent: str) -> Iterator[str]:
    """Yields the text of a list, item by item, also of nested lists: a wave may be long."""
    start = "["
    for value in values:
        yield f"{start}\n{indent} "
        inside = f"{indent} "
        if isinstance(value, tuple):
            yield from _list_pieces(value, inside)
        else:
            yield _text(encode(value), inside)
        start = ","
    yield f"\n{indent}]" if values else "[]"


def _text(value: object, indent: str) -> str:
    """Returns JSON with its further lines indented; a line end inside a text is no line."""
    return _JSON.encode(value).replace("\n", f"\n{indent}")


def _sha256(*parts: str) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part.encode(errors="surrogatepass"))
    return digest.hexdigest()


# Reading


def loads(text: str) -> Plan:
    """Returns the plan of a document.

    Raises EngineError for anything else, and for a document that was altered.
    """
    version = verify(text)
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=refuse_constant)
        if version == plan_v1.FORMAT:
            document = plan_v1.upgrade(document)
        document.setdefault(PARTIAL_READS, [])
        for group in document["left_out"]:
            group.setdefault("keys", [])
            group.setdefault("cause", "")
        for line in document["ledger"]:
            line.setdefault("repriced", 0)
        document.setdefault("owners", plan_v1.owners(document))
        plan: Plan = decoder(Plan)(document)
    except _DAMAGED as fault:
        reason = f"{type(fault).__name__}: {fault!s:.200}"
        raise EngineError(f"the plan is damaged ({reason}): plan again") from fault
    ids = {change.id for change in plan.changes}
    unknown = next((id_ for wave in plan.waves for id_ in wave if id_ not in ids), None)
    if unknown:
        reason = f"a wave names {unknown:.60}, which is no change of it"
        raise EngineError(f"the plan is damaged ({reason}): plan again")
    return plan


def loads_complete(text: str) -> Plan:
    """Returns a plan that is yet to be applied.

    Raises EngineError as `loads` does, and if a change is sent together with one that is not in the
    plan, or refers to the record of one that is not: a run of it could not be ended. Earlier
    versions made such plans of undos, of selections, and below rows that are left out.
    """
    plan = loads(text)
    ids = {change.id for change in plan.changes}
    for change in plan.changes:
        if missing := next((id_ for id_ in change.together if id_ not in ids), None):
            raise EngineError(
                f"this plan is not complete: {change.id:.60} is sent together with {missing:.60} "
                "or not at all, and the plan does not have that one: plan again"
            )
        if missing := next((id_ for id_ in change.refers_to if id_ not in ids), None):
            raise EngineError(
                f"this plan is not complete: {change.id:.60} refers to what {missing:.60} creates, "
                "and the plan does not have that one: plan again"
            )
    return plan


_DAMAGED = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)


def verify(text: str) -> int:
    """Returns the document's format. Raises EngineError for text that is no plan, or is altered."""
    head = _DIGEST_LINE.match(text)
    if head is None or int(head[1]) not in READABLE:
        raise EngineError(_why_not_a_plan(text))
    start = text.index("\n", 2) + 1
    if _sha256(text[:start], text[head.end() :]) != head[2]:
        raise EngineError(_ALTERED)
    return int(head[1])


def plan_id(text: str) -> str:
    """Returns the digest that identifies a plan document. Raises EngineError for other text."""
    head = _DIGEST_LINE.match(text)
    if head is None:
        raise EngineError(_why_not_a_plan(text))
    return head[2]


def _why_not_a_plan(text: str) -> str:
    try:
        version = json.loads(text, parse_constant=refuse_constant)["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "this is not a plan: make one with `trueup plan --out FILE`"
    if type(version) is int and version in READABLE:
        return _ALTERED
    readable = " and ".join(map(str, READABLE))
    return f"this plan has format {version!s:.40}, this trueup reads {readable}: plan again"


class ChangeNames(Struct, frozen=True):
    """The display names of a change and its rows."""

    change: str
    mapping: str
    keys: tuple[str, ...]
    name: str


def change_names(text: str) -> list[ChangeNames]:
    """Returns the display names of a plan document's changes; none if it cannot be read.

    Much cheaper than `loads`, and independent of the document's format.
    """
    try:
        changes = json.loads(text)["changes"]
        return [
            ChangeNames(change["id"], change["mapping"], tuple(change["keys"]), change["name"])
            for change in changes
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
