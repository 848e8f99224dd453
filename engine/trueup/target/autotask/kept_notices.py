"""Builds the notices about answers that earlier commands kept, and that were not read again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from trueup.target.autotask.changed_reads import ChangedReads
from trueup.target.autotask.metadata_answers import MetadataAnswers


def kept_notices(
    name: str,
    connection: Mapping[str, datetime],
    answers: MetadataAnswers,
    records: ChangedReads | None,
) -> Sequence[str]:
    """Returns sentences about what was kept of the connection, of metadata and of records.

    `name` is that of the target; `connection` holds when each kept answer
    about the connection was read.
    """
    return (
        *_about_connection(name, connection),
        *_about_metadata(name, answers),
        *(_about_records(name, records) if records else ()),
    )


def _about_connection(name: str, since: Mapping[str, datetime]) -> Iterator[str]:
    if since:
        read = " and ".join(
            f"the {what} at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for what, at in since.items()
        )
        text = f"{name}: an earlier command has read {read}, which spares"
        yield f"{text} {_calls(len(since))}; `trueup plan --fresh` reads it again"


def _about_metadata(name: str, answers: MetadataAnswers) -> Iterator[str]:
    since = answers.since()
    if since:
        many = f"{len(since)} entities" if len(since) > 1 else next(iter(since))
        oldest = min(since.values()).astimezone(UTC)
        text = f"{name}: the metadata of {many} was read at {oldest:%Y-%m-%d %H:%M} UTC"
        spared = _calls(answers.count())
        yield f"{text}, which spares {spared}; `trueup plan --fresh` reads it again"


def _about_records(name: str, records: ChangedReads) -> Iterator[str]:
    many = records.in_one_call
    if many:
        entities = f"{many} entities were each" if many > 1 else "1 entity was"
        text = f"{name}: {entities} read in full in one call"
        yield f"{text}; kept records spare {_calls(records.spared)}"


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"
