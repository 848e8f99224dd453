"""Sends notices about what needs a person, for people who look at no plan and no run.

A notice never changes a plan or a run. One that cannot be sent is reported to the listener, with
place, cause and remedy. `NOTICES` keeps hashes of what was sent, so that the same plan, or the same
run, is announced once.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from trueup import notices, operating_system, wiring
from trueup.errors import ApprovalMissing, EngineError, PlanRefused
from trueup.local_files import is_absent, read_regular
from trueup.model import document
from trueup.model.notice import Event, Notice, NoticeAddress, Occasion
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.notices import Sent
from trueup.operations.listener import Listener
from trueup.render.notice import TEST, notice_text, notice_title, outcome_notice, plan_notice
from trueup.render.notice import wanted as wanted_notice

NOTICES = "notices.json"
"""The name of the file with the hashes of sent notices."""

KEPT = 500
"""Hashes of notices that are remembered, the latest."""


def announce_plan(project: Project, plan: Plan, listener: Listener) -> None:
    """Sends a notice about what needs a person in a plan."""
    _announce(project, lambda: plan_notice(plan, document.plan_id(document.dumps(plan))), listener)


def announce_outcome(project: Project, outcome: Outcome, listener: Listener) -> None:
    """Sends a notice about what failed or was held in a run."""
    _announce(project, lambda: outcome_notice(outcome), listener)


@contextmanager
def announcing_failure(
    project: Project, listener: Listener, *, refused: bool = True
) -> Iterator[None]:
    """Sends a notice about a run that failed with an error, and raises the error again.

    `refused`: also about a plan that exceeds a limit, which the notice of that plan covers
    otherwise. A missing approval gives no notice: the error already names the next step to whoever
    applies.
    """
    try:
        yield
    except ApprovalMissing:
        raise
    except EngineError as error:
        if isinstance(error, PlanRefused) and not refused:
            raise
        event = Event.LIMIT if isinstance(error, PlanRefused) else Event.FAILED
        day = wiring.SystemClock().now().date().isoformat()
        digest = f"{day} {type(error).__name__} {error}"
        _announce(project, lambda: Notice(digest, (Occasion(event),)), listener)
        raise


def try_notices(project: Project) -> Sequence[Sent]:
    """Sends a test to each address. Raises EngineError if the project has none."""
    if not project.notify.to:
        raise EngineError(
            "trueup.yaml has no addresses for notices: add `notify: {to: "
            '["{{ env.TRUEUP_NOTICES }}"]}`'
        )
    texts = [(one, TEST) for one in project.notify.to]
    return notices.send(texts, notice_title(project.name))


def sent_text(sent: Sent) -> str:
    """The result of a notice as one line, without any part of its address."""
    where = f"{sent.to.place}: the notice to env.{sent.to.variable}"
    return (
        f"{where} was not sent: {sent.cause}; {sent.remedy}" if sent.cause else f"{where} was sent"
    )


def _announce(project: Project, make: Callable[[], Notice], listener: Listener) -> None:
    if not project.notify.to:
        return
    try:
        for sent in _send(project, make(), listener):
            if sent.cause:
                listener.notice(sent_text(sent))
    except Exception as error:  # noqa: BLE001 -- a defect: what was planned or applied stands
        kind = type(error).__name__
        listener.notice(f"notices failed with {kind}: a fault in trueup, please report it")


def _send(project: Project, notice: Notice, listener: Listener) -> Sequence[Sent]:
    """Sends to each address what it has not received yet, and records what was sent."""
    options = project.notify
    notice = wanted_notice(notice, options.events, options.leak_above)
    if not notice.occasions:
        return ()
    path = project.own / project.kept_file(NOTICES)
    known = _recall(path, listener)
    new: list[tuple[NoticeAddress, Notice]] = []
    for address in options.to:
        occasions = tuple(
            one for one in notice.occasions if _hash(address, notice, one) not in known
        )
        if occasions:
            new.append((address, replace(notice, occasions=occasions)))
    texts = [(address, notice_text(one, options.details, project.currency)) for address, one in new]
    results = notices.send(texts, notice_title(project.name)) if texts else []
    sent_hashes = [
        _hash(address, one, occasion)
        for (address, one), sent in zip(new, results, strict=True)
        if not sent.cause
        for occasion in one.occasions
    ]
    if sent_hashes:
        _remember(path, [*known, *sent_hashes], listener)
    return results


def _hash(address: NoticeAddress, notice: Notice, one: Occasion) -> str:
    parts = (address.variable, notice.digest, one.event, str(one.many))
    return sha256("\0".join(parts).encode()).hexdigest()


def _recall(path: Path, listener: Listener) -> list[str]:
    """The hashes in the file; none if there is no file, or it cannot be read."""
    if is_absent(path):
        return []
    try:
        known = json.loads(read_regular(path))["sent"]
    except (OSError, ValueError, TypeError, KeyError):
        listener.notice(
            f".trueup/{path.name} cannot be read: notices may be sent a second time; remove it"
        )
        return []
    return [one for one in known if isinstance(one, str)] if isinstance(known, list) else []


def _remember(path: Path, hashes: Collection[str], listener: Listener) -> None:
    content = json.dumps({"sent": [*hashes][-KEPT:]}, indent=1).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        operating_system.write_whole(path, content, private=True)
    except OSError as error:
        what = f".trueup/{path.name} cannot be written: {error.strerror}"
        listener.notice(f"{what}; notices may be sent again")
