"""The options of `source:` in trueup.yaml for this connector, as settings of the source.

Required: url, tenant, client_id, client_secret. Optional: authority, timeout and deadline
(seconds), cache (a file, relative to the project), page (rows of one answer), refresh_after (days
between full loads).
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from trueup.errors import SourceError
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.source import CacheSettings
from trueup.source.dataverse.sync import LoadSettings

CACHE = ".trueup/work365.sqlite"
_LARGEST_PAGE = 5000


def settings(
    options: Mapping[str, object], root: Path, *, refresh: bool = False
) -> tuple[DataverseAccess, CacheSettings]:
    """Returns how to reach the environment, and how to cache its rows.

    `root` is the project's folder; `refresh` requests a full load of each table in this run.
    Raises `SourceError` on an option that is missing or invalid.
    """
    default = DataverseAccess("", "", "", "")
    access = DataverseAccess(
        url=_text(options, "url"),
        tenant=_text(options, "tenant"),
        client_id=_text(options, "client_id"),
        client_secret=_text(options, "client_secret"),
        authority=str(options.get("authority") or default.authority),
        timeout=_number(options, "timeout", default.timeout),
        deadline=_number(options, "deadline", default.deadline),
    )
    days = _number(options, "refresh_after", 0)
    load = LoadSettings(
        page=min(int(_number(options, "page", _LARGEST_PAGE)), _LARGEST_PAGE),
        refresh=refresh,
        refresh_after=timedelta(days=days) if days else None,
    )
    return access, CacheSettings(root / str(options.get("cache") or CACHE), load)


def _text(options: Mapping[str, object], name: str) -> str:
    value = options.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SourceError(f"source.{name} in trueup.yaml is empty")
    return value.strip()


def _number(options: Mapping[str, object], name: str, default: float) -> float:
    text = str(options.get(name, default))
    is_number = text.replace(".", "", 1).isdigit()
    if not is_number or (name in ("timeout", "deadline", "page") and not float(text)):
        raise SourceError(f"source.{name} in trueup.yaml must be a number above 0")
    return float(text)
