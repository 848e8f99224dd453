"""Answers of Autotask that are kept on this machine between plans, because they rarely change.

Metadata changes when an administrator edits a picklist, a user-defined field or a security level.
A file of it holds names, types, picklists and rights, no record and no secret, and only its owner
may read it.

An answer is used until it is `KEPT_FOR` old. It is read again if anything contradicts it (see
`metadata`). Losing the file costs a few calls, so a file that is damaged, of another version or of
another tenant counts as absent.
"""

import json
import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from trueup import operating_system
from trueup.local_files import read_regular
from trueup.ports.world import Clock

VERSION = 1

KEPT_FOR = timedelta(hours=20)
"""Shorter than from one morning to the next, so that the first plan of each day asks again."""

_log = logging.getLogger(__name__)


class KeptAnswer(Struct, frozen=True):
    """The JSON of an answer, and when it was received."""

    payload: Any
    at: datetime


class KeptAnswers:
    """The file of one tenant, zone and API user; shared by threads."""

    def __init__(self, path: Path, clock: Clock, *, used: bool) -> None:
        """`used`: answers of the file are returned; otherwise new answers are only written."""
        self._path, self._clock, self._used = path, clock, used
        self._lock = threading.RLock()
        self._tenant = ""
        self._answers: Mapping[str, KeptAnswer] = {}
        self._newer: dict[str, KeptAnswer] = {}  # by path
        self._forgotten: set[str] = set()  # entities whose answers leave the file

    def belong_to(self, tenant: str) -> None:
        """Reads the answers of this tenant, zone and API user, once; others are not used."""
        with self._lock:
            if self._tenant != tenant:  # also where it has moved to another zone meanwhile
                self._tenant, self._newer, self._forgotten = tenant, {}, set()
                self._answers = self._load() if self._used else {}

    def get(self, path: str, longest: timedelta = KEPT_FOR) -> KeptAnswer | None:
        """Returns the answer to the request of that path; None if it is `longest` old or older."""
        answer = self._answers.get(path)
        if answer is None or path in self._newer:
            return None
        age = self._clock.now() - answer.at
        return answer if timedelta(0) <= age < longest else None

    def put(self, path: str, payload: object) -> None:
        """Keeps a new answer; it replaces that of the file."""
        with self._lock:
            self._newer[path] = KeptAnswer(payload, self._clock.now())

    def forget(self, entity: str) -> None:
        """Removes the entity's answers: a refusal contradicts them."""
        with self._lock:
            self._forgotten.add(entity)
            self._newer = {
                path: answer for path, answer in self._newer.items() if _entity(path) != entity
            }

    def save(self) -> None:
        """Writes the new answers, beside those that another process has kept meanwhile.

        A file that cannot be written costs the next plan its calls, and is logged.
        """
        if not self._newer and not self._forgotten:
            return
        before = self._load()
        kept = {path: one for path, one in before.items() if _entity(path) not in self._forgotten}
        answers = {**kept, **self._newer}
        if answers == before:
            return
        document = {
            "version": VERSION,
            "tenant": self._tenant,
            "answers": {
                path: {"at": answer.at.isoformat(), "payload": answer.payload}
                for path, answer in sorted(answers.items())
            },
        }
        content = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            operating_system.write_whole(self._path, content.encode(), private=True)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path.name, error.strerror)

    def _load(self) -> Mapping[str, KeptAnswer]:
        """The answers of the file; none if it is absent, damaged, or of another tenant."""
        try:
            document = json.loads(read_regular(self._path))
            if document["version"] != VERSION or document["tenant"] != self._tenant:
                return {}
            return dict(_answers(document["answers"].items()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}


def _entity(path: str) -> str:
    return path.partition("/")[0]


def _answers(entries: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, KeptAnswer]]:
    """The entries as answers. Raises what reading other content raises."""
    for path, entry in entries:
        at = datetime.fromisoformat(entry["at"])
        if at.tzinfo is None:
            raise ValueError("a moment without a zone")
        yield path, KeptAnswer(entry["payload"], at)
