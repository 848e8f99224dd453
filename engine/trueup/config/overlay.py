"""Lays a part of one document over another one: mappings key by key, all else as a whole.

Every value keeps its place, so that a finding about the result names the file that is at fault.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from trueup.config.documents import Document, Steps
from trueup.config.node import Node
from trueup.model.finding import Place
from trueup.model.overlay import Overrides

_CONNECTOR = "connector"


def overrides_of(node: Node) -> Overrides:
    """Returns a part of a document, with the steps to its values counted from that part."""
    length = len(node.steps)

    def below(places: Mapping[Steps, Place]) -> dict[Steps, Place]:
        return {
            steps[length:]: place
            for steps, place in places.items()
            if len(steps) > length and steps[:length] == node.steps
        }

    return Overrides(node.data, below(node.document.values), below(node.document.keys))


def overlaid(document: Document, over: Overrides) -> Document:
    """Returns the document with the other one laid over it. A list replaces a list.

    A part with another connector replaces the part as a whole: the options of the one are none of
    the other. A document that is no mapping is returned as it is.
    """
    if not isinstance(document.data, dict):
        return document
    replaced: set[Steps] = set()
    data = _merged(document.data, over.data, (), replaced)
    return replace(
        document,
        data=data,
        values=_places(document.values, over.values, replaced),
        keys=_places(document.keys, over.keys, replaced),
    )


def prefixed(over: Overrides, key: str) -> Overrides:
    """Returns the same below a key."""

    def below(places: Mapping[Steps, Place]) -> dict[Steps, Place]:
        return {(key, *steps): place for steps, place in places.items()}

    return Overrides({key: over.data}, below(over.values), below(over.keys))


_READ = (("source", "path"), ("source", "profile"), ("target", "seed"))
"""Options that name what is only read; what is written is in the tenant's own folder."""


def relocated(over: Overrides, root: Path, project: Path) -> Overrides:
    """Returns the same with paths of what is read made relative to the folder of the project.

    They are written relative to `root`. Both are absolute.
    """
    data = dict(over.data)
    for part, option in _READ:
        inside = data.get(part)
        value = inside.get(option) if isinstance(inside, Mapping) else None
        if isinstance(inside, Mapping) and isinstance(value, str):
            data[part] = {**inside, option: _relative(root / value, project)}
    return replace(over, data=data)


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # Windows: another drive
        return str(path)


def _merged(
    base: Mapping[str, Any], over: Mapping[str, Any], steps: Steps, replaced: set[Steps]
) -> dict[str, Any]:
    """Returns both as one; adds the steps to what is not of the base to `replaced`."""
    result = dict(base)
    for key, value in over.items():
        here, before = (*steps, key), base.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and not _differ(before, value):
            result[key] = _merged(before, value, here, replaced)
        else:
            result[key] = value
            replaced.add(here)
    return result


def _differ(before: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Returns whether both name a connector, and not the same one."""
    return _CONNECTOR in value and before.get(_CONNECTOR, value[_CONNECTOR]) != value[_CONNECTOR]


def _places(
    base: Mapping[Steps, Place], over: Mapping[Steps, Place], replaced: set[Steps]
) -> dict[Steps, Place]:
    """Returns the places of the base, except in what is replaced, with those of the other one."""

    def is_replaced(steps: Steps) -> bool:
        return any(steps[:length] in replaced for length in range(1, len(steps) + 1))

    kept = {steps: place for steps, place in base.items() if not is_replaced(steps)}
    return kept | {steps: place for steps, place in over.items() if is_replaced(steps)}
