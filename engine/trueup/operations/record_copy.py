"""Keeps a copy of the records that the last plan read, for `trueup search`.

It holds names, numbers and domains, no secrets, and only its owner may read it. Without it a search
costs more calls. It lacks what a run writes, so a run removes it.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trueup import operating_system
from trueup.local_files import read_regular
from trueup.model.project import Project
from trueup.model.record_snapshot import KnownRecords, RecordSnapshot

VERSION = 1

LARGEST = 32_000_000
"""Bytes; of more records than that none are kept."""

OLDEST = timedelta(days=1)
"""A copy that is older is not used."""


def name_of(project: Project) -> str:
    """Returns the path of the copy, relative to the project's folder."""
    return project.kept_file("records.json")


def path_of(project: Project) -> Path:
    """Returns the path of the copy."""
    return project.own / name_of(project)


def keep(project: Project, snapshot: RecordSnapshot) -> None:
    """Replaces the copy; removes it if the snapshot is too large. Raises OSError."""
    path = path_of(project)
    document = {
        "version": VERSION,
        "read": snapshot.read.isoformat(),
        "target": snapshot.target,
        "mappings": {
            name: {
                "fields": [*one.fields],
                "records": {str(id_): record for id_, record in one.records.items()},
            }
            for name, one in snapshot.mappings.items()
        },
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    if len(content) > LARGEST:
        forget(project)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    operating_system.write_whole(path, content, private=True)


def forget(project: Project) -> None:
    """Removes the copy, if there is one. Raises OSError."""
    path_of(project).unlink(missing_ok=True)


def recall(project: Project, target: str, now: datetime) -> RecordSnapshot | None:
    """Returns the copy; None if it is absent, too old, unreadable, or of another target.

    These cases are no errors: a search reads the target instead.
    """
    try:
        snapshot = _parsed(json.loads(read_regular(path_of(project))))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    is_recent = timedelta(0) <= now - snapshot.read <= OLDEST
    return snapshot if is_recent and snapshot.target == target else None


def _parsed(document: dict[str, Any]) -> RecordSnapshot:
    """Returns the snapshot. Raises the errors of parsing other content."""
    if document["version"] != VERSION:
        raise ValueError("another version")
    read = datetime.fromisoformat(document["read"])
    if read.tzinfo is None:
        raise ValueError("a time without an offset")
    return RecordSnapshot(
        read=read,
        target=document["target"],
        mappings={
            name: KnownRecords(
                tuple(one["fields"]), {int(id_): record for id_, record in one["records"].items()}
            )
            for name, one in document["mappings"].items()
        },
    )
