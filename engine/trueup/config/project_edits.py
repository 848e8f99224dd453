"""Changes single values of trueup.yaml; comments, order and all other values stay as written."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ruamel.yaml.comments import CommentedMap

from trueup.config.documents import parse
from trueup.config.file_names import PROJECT
from trueup.config.round_trip import CommentsLost, dump, load, safe_text
from trueup.config.text_file import BOM, refused

Steps = tuple[str, ...]
"""The keys that lead to a value."""

REMOVED = object()
"""In place of a value: the key is removed."""


def edit_project(content: bytes, changes: Mapping[Steps, object]) -> bytes:
    """Returns the file's bytes with these values, by the steps to each; parents are created.

    A value is text, a flag, a Decimal, None for `null`, or REMOVED.

    Raises ConfigError if the file cannot be edited without touching anything else.
    """
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    try:
        documents = load(text, as_written=True)
        if len(documents) != 1 or not isinstance(documents[0], CommentedMap):
            raise refused(PROJECT, "is no mapping of one document: edit it by hand")
        for steps, value in changes.items():
            _set(documents[0], steps, value)
        edited = dump(documents, as_written=True)
    except CommentsLost as error:
        raise refused(PROJECT, f"cannot be edited here: {error}", "edit it by hand") from error
    new = edited.replace("\n", "\r\n") if b"\r\n" in content else edited
    raw = (BOM if content.startswith(BOM) else b"") + new.encode()
    _require_same(content, raw, changes)
    return raw


def _set(document: CommentedMap, steps: Steps, value: object) -> None:
    *parents, last = steps
    place: Any = document
    for step in parents:
        if not isinstance(place.get(step), dict):
            if value is REMOVED:
                return
            place[step] = CommentedMap()
        elif not place[step]:
            place[step].fa.set_flow_style()  # it is written `{}`
        place = place[step]
    if value is REMOVED:
        place.pop(last, None)
    else:
        place[last] = _text(value)


def _text(value: object) -> object:
    """The value as plain YAML; text is quoted where it would be taken for something else."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case _:
            return safe_text(str(value))


def _require_same(old: bytes, new: bytes, changes: Mapping[Steps, object]) -> None:
    """Raises ConfigError if the edit changed another value than it was to change."""
    before, after = _data(old), _data(new)
    for steps in changes:
        before, after = _without(before, steps), _without(after, steps)
    if before != after:
        text = "cannot be edited here without changing other values"
        raise refused(PROJECT, text, "edit it by hand")


def _data(content: bytes) -> object:
    documents, findings = parse(content, PROJECT)
    if findings or not documents:
        raise refused(PROJECT, "is no valid YAML: `trueup validate` shows where")
    return documents[0].data


def _without(data: object, steps: Steps) -> object:
    """The data without a value, and without parents that are empty then."""
    if not isinstance(data, dict) or steps[0] not in data:
        return data
    step, *rest = steps
    part = _without(data[step], tuple(rest)) if rest else None
    others = {key: value for key, value in data.items() if key != step}
    return others if part in ({}, None) else {**others, step: part}
