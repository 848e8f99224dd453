"""What a value may give and the field that it is for in; why it cannot stand there out."""

from collections.abc import Iterable, Iterator

from engine.config.checks.shapes import A_VALUE, Known, Plain, Shape
from engine.config.complaints import shown
from engine.config.near import hint, nearest
from engine.model.catalogue import UDF, Entity, Field, Type
from engine.model.finding import Finding, Place, Severity
from engine.model.fit import Misfit, fit

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
"""Type of a value → types of fields that cannot hold it. Text may be anything, its rows will tell; only a column of
text is no yes or no, as what a filter makes may be."""

_NO_LABEL = frozenset({Type.BOOLEAN, Type.DECIMAL, Type.LOOKUP}) | _TIMES

KNOWN_IN_PART = "trueup knows only a part of that list: check it in Autotask"
"""What to do about a label that a picklist may have or not."""


def misfits(gives: Iterable[Shape], entity: Entity, field: Field, place: Place) -> Iterator[Finding]:
    """What is wrong with giving one of these to that field."""
    if field.name.startswith(UDF):
        return
    for shape in gives:
        if isinstance(shape, Known):
            yield from _known(shape, entity, field, place)
        elif isinstance(shape, Plain) and shape.type:
            yield from _plain(shape, shape.type, entity, field, place)


def _finding(text: str, remedy: str, place: Place, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("does-not-fit", severity, text, remedy, place)


def _known(known: Known, entity: Entity, field: Field, place: Place) -> Iterator[Finding]:
    """A literal, or a setting."""
    if known.value is None or field.picklist == ():
        return
    try:
        fit(known.value, field)
    except Misfit as misfit:
        who = known.whose
        name = f"{entity.name}.{field.name}"
        if field.picklist is None:
            yield _finding(f"{who}{misfit}" if field.name in str(misfit) else f"{who}{misfit}: {name}", "", place)
            return
        labels = [pick.label for pick in field.picklist]
        text = f"{who}{shown(known.value)} is not in the picklist of {name}"
        meant = isinstance(known.value, str) and nearest(known.value, labels)
        unsure = field.picklist_partial and not meant
        remedy = KNOWN_IN_PART if unsure else ""
        remedy = remedy or hint(str(known.value), labels)
        yield _finding(text, remedy, place, Severity.WARNING if unsure else Severity.ERROR)


def _plain(plain: Plain, kind: Type, entity: Entity, field: Field, place: Place) -> Iterator[Finding]:
    """A column, or what a filter makes of one."""
    name = f"{entity.name}.{field.name}"
    what = f"a {kind} value" if plain.what == A_VALUE else f"{plain.what} ({kind})"
    if field.picklist is not None:
        if kind in _NO_LABEL:
            yield _finding(f"{what} cannot be a label of the picklist {name}", "", place)
        elif plain.choices and field.picklist:
            yield from _choices(plain, name, field, place)
    elif kind is Type.TEXT and field.type is Type.BOOLEAN and plain.what != A_VALUE:
        yield _finding(f"{what} cannot fit {name} ({field.type})", "write when it is yes: {{ … == '…' }}", place)
    elif field.type in NEVER.get(kind, ()):
        yield _finding(f"{what} cannot fit {name} ({field.type})", _way(plain, field), place)
    elif plain.longest and field.max_length and field.type is Type.TEXT and plain.longest > field.max_length:
        text = f"up to {plain.longest} characters may come; {name} takes {field.max_length}"
        yield _finding(text, f"truncate_visibly({field.max_length})", place, Severity.WARNING)


def _way(plain: Plain, field: Field) -> str:
    if plain.type is Type.LOOKUP and field.type is Type.INTEGER:
        return f"write a reference: {{ref: <mapping of {plain.key_of}>, of: …}}"
    return ""


def _choices(plain: Plain, name: str, field: Field, place: Place) -> Iterator[Finding]:
    """Work 365's labels against Autotask's."""
    labels = {pick.label.casefold() for pick in field.picklist or ()}
    strange = [choice for choice in plain.choices if choice.casefold() not in labels]
    if strange:
        text = f"{', '.join(strange)} of {plain.what}: not in the picklist of {name}"
        severity = Severity.ERROR if len(strange) == len(plain.choices) else Severity.WARNING
        yield _finding(text, "translate it by a map in settings: settings.….[…]", place, severity)
