"""Whether a value can be written to a field, as far as that is known before any row is read.

`check_assignable` takes the shapes that a value may have and the field that it is for. It yields
a finding for each shape that the field cannot hold.
"""

from collections.abc import Iterable, Iterator

from trueup.config.checks.shapes import UNNAMED, Constant, Scalar, Shape
from trueup.config.schema_errors import shown
from trueup.model.catalogue import UDF, Entity, Field, Type
from trueup.model.coerce import CoercionError, coerce
from trueup.model.finding import Finding, Place, Severity
from trueup.model.suggestions import hint, nearest

_NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL})
_TIMES = frozenset({Type.DAY, Type.INSTANT})

NEVER: dict[Type, frozenset[Type]] = {
    Type.BOOLEAN: frozenset({Type.TEXT, Type.DECIMAL}) | _TIMES,
    Type.INTEGER: _TIMES,
    Type.DECIMAL: _TIMES,
    Type.DAY: _NUMBERS | {Type.BOOLEAN},
    Type.INSTANT: _NUMBERS | {Type.BOOLEAN},
    Type.LOOKUP: _NUMBERS | _TIMES | {Type.BOOLEAN},
    Type.CHOICE: _NUMBERS | _TIMES | {Type.BOOLEAN},
}
"""Type of a value → types of fields that can never hold it.

Text is not listed: whether a text is a number or a day depends on the row. The one exception is a
text column for a boolean field, which `_check_scalar` reports.
"""

NO_LABEL = frozenset({Type.BOOLEAN, Type.DECIMAL, Type.LOOKUP}) | _TIMES
"""Types whose values are never the label of a picklist."""

KNOWN_IN_PART = "trueup knows only a part of this picklist: check it in the target"
"""The remedy for a label that a partly known picklist may or may not have."""


def check_assignable(
    shapes: Iterable[Shape], entity: Entity, field: Field, place: Place
) -> Iterator[Finding]:
    """Yields what is wrong with writing a value of one of these shapes to the field."""
    if field.name.startswith(UDF):
        return

    for shape in shapes:
        if isinstance(shape, Constant):
            yield from _check_constant(shape, entity, field, place)
        elif isinstance(shape, Scalar) and shape.type:
            yield from _check_scalar(shape, shape.type, entity, field, place)


def _finding(text: str, remedy: str, place: Place, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("does-not-fit", severity, text, remedy, place)


def _check_constant(
    constant: Constant, entity: Entity, field: Field, place: Place
) -> Iterator[Finding]:
    if constant.value is None or field.picklist == ():
        return

    try:
        coerce(constant.value, field)
    except CoercionError as fault:
        name = f"{entity.name}.{field.name}"
        if field.picklist is not None:
            yield _not_in_picklist(constant, name, field, place)
        else:
            where = "" if field.name in str(fault) else f": {name}"
            yield _finding(f"{constant.origin}{fault}{where}", "", place)


def _not_in_picklist(constant: Constant, name: str, field: Field, place: Place) -> Finding:
    """Returns the finding for an unknown label: a warning if the picklist is partly known."""
    labels = [pick.label for pick in field.picklist or ()]
    text = f"{constant.origin}{shown(constant.value)} is not in the picklist of {name}"

    is_misspelt = isinstance(constant.value, str) and bool(nearest(constant.value, labels))
    if field.picklist_partial and not is_misspelt:
        return _finding(text, KNOWN_IN_PART, place, Severity.WARNING)
    return _finding(text, hint(str(constant.value), labels), place)


def _check_scalar(
    scalar: Scalar, kind: Type, entity: Entity, field: Field, place: Place
) -> Iterator[Finding]:
    """Checks a column, or what a filter makes of one."""
    name = f"{entity.name}.{field.name}"
    what = f"a {kind} value" if scalar.what == UNNAMED else f"{scalar.what} ({kind})"
    is_text_for_boolean = kind is Type.TEXT and field.type is Type.BOOLEAN

    if field.picklist is not None:
        if kind in NO_LABEL:
            yield _finding(f"{what} cannot be a label of the picklist {name}", "", place)
        elif scalar.choices and field.picklist:
            yield from _check_choices(scalar, name, field, place)
    elif is_text_for_boolean and scalar.what != UNNAMED:
        text = f"{what} does not fit {name} ({field.type})"
        yield _finding(text, "write a condition: {{ … == '…' }}", place)
    elif field.type in NEVER.get(kind, ()):
        text = f"{what} does not fit {name} ({field.type})"
        yield _finding(text, _remedy(scalar, field), place)
    else:
        yield from _check_length(scalar, name, field, place)


def _check_length(scalar: Scalar, name: str, field: Field, place: Place) -> Iterator[Finding]:
    if not scalar.longest or not field.max_length or field.type is not Type.TEXT:
        return
    if scalar.longest > field.max_length:
        text = (
            f"the text may have up to {scalar.longest} characters; {name} takes {field.max_length}"
        )
        yield _finding(text, f"truncate_visibly({field.max_length})", place, Severity.WARNING)


def _remedy(scalar: Scalar, field: Field) -> str:
    if scalar.type is Type.LOOKUP and field.type is Type.INTEGER:
        return f"write a reference: {{ref: <mapping of {scalar.key_of}>, of: …}}"
    return ""


def _check_choices(scalar: Scalar, name: str, field: Field, place: Place) -> Iterator[Finding]:
    """Compares the labels of a choice in Work 365 with those of a picklist in Autotask.

    It is an error if no label fits, and a warning if only some fit: rows may not use the others.
    """
    labels = {pick.label.casefold() for pick in field.picklist or ()}
    missing = [choice for choice in scalar.choices if choice.casefold() not in labels]
    if missing:
        text = f"{', '.join(missing)} of {scalar.what}: not in the picklist of {name}"
        severity = Severity.ERROR if len(missing) == len(scalar.choices) else Severity.WARNING
        remedy = "translate it with a map in settings: settings.….[…]"
        yield _finding(text, remedy, place, severity)
