"""Says what a plan took from earlier ones instead of reading it from Autotask."""

from collections.abc import Iterator, Sequence
from datetime import UTC

from trueup.target.autotask.changed_reads import ChangedReads
from trueup.target.autotask.metadata_answers import MetadataAnswers


def kept_notices(
    name: str, answers: MetadataAnswers, records: ChangedReads | None
) -> Sequence[str]:
    """Returns sentences about kept metadata and kept records; `name` is that of the target."""
    return (*_about_metadata(name, answers), *(_about_records(name, records) if records else ()))


def _about_metadata(name: str, answers: MetadataAnswers) -> Iterator[str]:
    since = answers.since()
    if since:
        many = f"{len(since)} entities" if len(since) > 1 else next(iter(since))
        oldest = min(since.values()).astimezone(UTC)
        text = f"{name}: the metadata of {many} was read at {oldest:%Y-%m-%d %H:%M} UTC"
        spared = answers.count()
        yield f"{text}, which spares {spared} calls; `trueup plan --fresh` reads it again"


def _about_records(name: str, records: ChangedReads) -> Iterator[str]:
    many = records.in_one_call
    if many:
        entities = f"{many} entities were each" if many > 1 else "1 entity was"
        text = f"{name}: {entities} read in full in one call"
        yield f"{text}; what is known of records spares {records.spared} calls"
