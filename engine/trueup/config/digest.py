"""All that decides a plan in, one sha256 out. Neither comments, formatting and order of keys count, nor secrets.

Nor counts how a plan is applied, so that a run which is open can be resumed when only that has changed. Guards are
asked again when a plan is applied; a plan knows its state by lineage and serial.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from engine.config.environment import SECRETS
from engine.model.catalogue import Catalogue

_HOW = frozenset({"settle_after", "batch", "guards", "state"})
"""Of trueup.yaml: how a plan is applied, and where that is remembered."""

_ACCESS = SECRETS | {"client_id", "authority", "workers", "timeout", "deadline", "page", "cache", "refresh_after"}
"""Of a connection: with which rights, and how fast. A user's name stays: with Autotask it says which tenant."""

_LOGIN = re.compile(r"//[^/@]*@")


def digest(project: object, mappings: list[Any], rules: list[Any], decisions: list[Any], catalogue: Catalogue) -> str:
    """Hex digits. The data are as the YAML says them: `{{ env.NAME }}` by its name, never by its value."""
    everything = {
        "project": _deciding(project),
        "mappings": sorted(map(_text, mappings)),
        "rules": sorted(map(_text, rules)),
        "decisions": sorted(map(_text, decisions)),
        "catalogue": _plain(catalogue),
    }
    return sha256(_text(everything).encode()).hexdigest()


def _deciding(project: object) -> object:
    """What trueup.yaml says of a plan: of a connection only what it leads to."""
    if not isinstance(project, Mapping):
        return project
    said = {key: value for key, value in project.items() if key not in _HOW}
    for key in ("source", "target"):
        if isinstance(said.get(key), Mapping):
            said[key] = {name: _address(value) for name, value in said[key].items() if name not in _ACCESS}
    return said


def _address(value: object) -> object:
    """An option; where it is an address, without the name and the password in it."""
    return _LOGIN.sub("//", value) if isinstance(value, str) else value


def _text(data: object) -> str:
    return json.dumps(_plain(data), sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(data: Any) -> Any:  # noqa: ANN401 -- any YAML, any part of a catalogue
    """As JSON; days and decimals marked, so that text stays something else."""
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    if isinstance(data, frozenset):
        return sorted(data)
    if is_dataclass(data) and not isinstance(data, type):
        return [_plain(getattr(data, part.name)) for part in fields(data)]
    if isinstance(data, date | Decimal):
        return {type(data).__name__: str(data)}
    return data
