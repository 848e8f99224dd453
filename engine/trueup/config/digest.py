"""The digest of a project: a sha256 over everything that decides a plan.

It does not depend on comments, formatting and the order of keys, nor on secrets. It does not
depend on how a plan is applied either, so that a run can be resumed after only that has changed.
Guards and approvals are not part of it because they are evaluated again when a plan is applied. The
state is not part of it because a plan identifies its state by lineage and serial.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from trueup.config.environment import SECRETS
from trueup.model.catalogue import Catalogue

_APPLY_KEYS = frozenset({"settle_after", "batch", "guards", "approval", "desk", "state", "notify"})
"""Keys of trueup.yaml about how a plan is applied, where that is recorded, and who is notified."""

_ACCESS_OPTIONS = SECRETS | {
    "client_id",
    "authority",
    "workers",
    "timeout",
    "deadline",
    "page",
    "cache",
    "refresh_after",
    "read",
    "full_read_after",
}
"""Options of a connection about access rights and speed.

The user name is not among them: with Autotask it identifies the tenant.
"""

_LOGIN = re.compile(r"//[^/@]*@")


def digest(
    project: object,
    mappings: list[Any],
    rules: list[Any],
    decisions: list[Any],
    catalogue: Catalogue,
) -> str:
    """Returns the digest as hex digits.

    The data must be as the YAML files have it, so that `{{ env.NAME }}` counts by its name and
    never by its value.
    """
    everything = {
        "project": _without_apply_keys(project),
        "mappings": sorted(map(_to_json, mappings)),
        "rules": sorted(map(_to_json, rules)),
        "decisions": sorted(map(_to_json, decisions)),
        "catalogue": _plain(catalogue),
    }
    return sha256(_to_json(everything).encode()).hexdigest()


def _without_apply_keys(project: object) -> object:
    """Returns the part of trueup.yaml that decides a plan: of a connection, only its address."""
    if not isinstance(project, Mapping):
        return project

    kept = {key: value for key, value in project.items() if key not in _APPLY_KEYS}
    for key in ("source", "target"):
        if isinstance(kept.get(key), Mapping):
            kept[key] = {
                name: _without_login(value)
                for name, value in kept[key].items()
                if name not in _ACCESS_OPTIONS
            }
    return kept


def _without_login(value: object) -> object:
    """Returns an option, without the user name and password if it is an address with these."""
    return _LOGIN.sub("//", value) if isinstance(value, str) else value


def _to_json(data: object) -> str:
    return json.dumps(_plain(data), sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(data: Any) -> Any:  # noqa: ANN401 -- any YAML, any part of a catalogue
    """Returns data for JSON. Days and decimals are marked, so that they differ from equal text."""
    if data is None or isinstance(data, str | int | float):  # most of it
        return data
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    if isinstance(data, frozenset):
        return sorted(data)
    if isinstance(data, Struct):
        return [_plain(value) for value in astuple(data)]
    return {type(data).__name__: str(data)} if isinstance(data, date | Decimal) else data
