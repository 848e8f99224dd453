"""All that decides a plan in, one sha256 out. Neither comments, formatting and order of keys count, nor secrets."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from engine.config.environment import SECRETS
from engine.model.catalogue import Catalogue


def digest(project: object, mappings: list[Any], rules: list[Any], decisions: list[Any], catalogue: Catalogue) -> str:
    """Hex digits. The data are as the YAML says them: `{{ env.NAME }}` by its name, never by its value."""
    everything = {
        "project": _without_secrets(project),
        "mappings": sorted(map(_text, mappings)),
        "rules": sorted(map(_text, rules)),
        "decisions": sorted(map(_text, decisions)),
        "catalogue": _plain(catalogue),
    }
    return sha256(_text(everything).encode()).hexdigest()


def _without_secrets(data: object) -> object:
    """A secret that stands in the file itself is left out; the name of a variable stays."""
    if isinstance(data, Mapping):
        return {
            key: _without_secrets(value)
            for key, value in data.items()
            if key not in SECRETS or (isinstance(value, str) and "{{" in value)
        }
    return [_without_secrets(item) for item in data] if isinstance(data, list) else data


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
