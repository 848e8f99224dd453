"""What trueup.yaml says under `source:` for this connector in; how to reach the environment and where to keep rows out.

url, tenant, client_id, client_secret; and, where the usual will not do: authority, timeout and deadline (seconds),
cache (a file, relative to the project), page (rows of one answer), refresh_after (days between full loads).
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from engine.errors import SourceError
from engine.source.dataverse.client import Access
from engine.source.dataverse.loading import Patience
from engine.source.dataverse.source import Keeping

CACHE = ".trueup/work365.sqlite"
_LARGEST_PAGE = 5000


def settings(options: Mapping[str, object], root: Path, *, refresh: bool = False) -> tuple[Access, Keeping]:
    """`refresh` asks for full loads this time. Raises SourceError on a value that is missing or none."""
    usual = Access("", "", "", "")
    access = Access(
        url=_text(options, "url"),
        tenant=_text(options, "tenant"),
        client_id=_text(options, "client_id"),
        client_secret=_text(options, "client_secret"),
        authority=str(options.get("authority") or usual.authority),
        timeout=_number(options, "timeout", usual.timeout),
        deadline=_number(options, "deadline", usual.deadline),
    )
    days = _number(options, "refresh_after", 0)
    patience = Patience(
        page=min(int(_number(options, "page", _LARGEST_PAGE)), _LARGEST_PAGE),
        refresh=refresh,
        refresh_after=timedelta(days=days) if days else None,
    )
    return access, Keeping(root / str(options.get("cache") or CACHE), patience)


def _text(options: Mapping[str, object], name: str) -> str:
    value = options.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SourceError(f"source.{name} in trueup.yaml is empty")
    return value.strip()


def _number(options: Mapping[str, object], name: str, usual: float) -> float:
    said = str(options.get(name, usual))
    if not said.replace(".", "", 1).isdigit() or (name in ("timeout", "deadline", "page") and not float(said)):
        raise SourceError(f"source.{name} in trueup.yaml must be a number above 0")
    return float(said)
