"""Makes the events between the plans of a test, in both systems."""

from collections.abc import Iterator

from msgspec.structs import replace

from trueup.config.testing.rows import fault
from trueup.errors import ConfigError, EngineError
from trueup.model.project import Project
from trueup.model.testing import GivenRow, GivenUnits, ProjectTest, TestStep
from trueup.operations.testing.fixture import (
    Fixture,
    TestClock,
    adjustment,
    adjustments_of,
    as_json,
    posted_until,
    standing_at,
    write_exports,
)
from trueup.ports.world import World

Records = dict[tuple[str, str], int]
"""Ids of records by mapping and key of the row."""


def known_records(fixture: Fixture, world: World) -> Records:
    """Returns the records of rows: those of the beginning, and those that were linked since."""
    links = {row: link.record for row, link in world.state.load().links.items()}
    return {**fixture.records, **links}


def go_on(fixture: Fixture, step: TestStep, world: World, exports: str) -> World:
    """Makes what happens before a step's plan; returns the world of then.

    `exports` names a new folder for the rows. Raises ConfigError for units that the target refuses.
    """
    opened, records = fixture.opened, known_records(fixture, world)
    rows = _written_back(opened.project, step, world)
    write_exports(opened.folder / exports, opened.project.catalogue.tables, rows)
    if isinstance(opened.clock, TestClock):
        opened.clock.move_to(step.as_of)
    opened.sandbox.load({"clock": standing_at(step.as_of)})
    for given in step.entered:
        _enter(fixture, given, records)
    posted = posted_until(opened.project, step.posted, records)
    opened.sandbox.load(as_json({"posted_until": posted}))
    return opened.world(exports)


def at_step(test: ProjectTest, step: TestStep) -> ProjectTest:
    """Returns the test as it is at a step: its day, rows and expectations."""
    return replace(test, as_of=step.as_of, rows=step.rows, expect=step.expect)


def _written_back(project: Project, step: TestStep, world: World) -> Iterator[GivenRow]:
    """The rows of a step, with what was written back to them and did not change since."""
    written: dict[tuple[str, str], dict[str, object]] = {}
    for mapping in project.mappings.values():
        if mapping.write_back:
            table = project.catalogue.tables[mapping.source.table]
            columns = [*mapping.write_back.set]
            for row in world.source.read(table.name, columns).rows:
                values = written.setdefault((table.name, str(row[table.key])), {})
                values.update({name: row[name] for name in columns})
    for given in step.rows:
        values = {
            name: value
            for name, value in written.get((given.table, given.key), {}).items()
            if (given.table, given.key, name) not in step.changed
        }
        yield replace(given, values={**given.values, **values})


def _enter(fixture: Fixture, given: GivenUnits, records: Records) -> None:
    """Adjusts units as a person does in the target's own pages."""
    project, target = fixture.opened.project, fixture.opened.target
    mapping = project.mappings[given.mapping]
    record = records.get((given.mapping, given.key))
    if record is None:
        text = f"{given.mapping} {given.key} has no record at this step"
        raise ConfigError([fault(text, "name a row that is billed by then", given.place)])
    entity, append = adjustments_of(project, mapping)
    for day, units in given.steps.items():
        if day is None:
            continue
        try:
            target.create(entity, adjustment(append, record, day, units))
        except EngineError as refused:
            text = f"units of {given.key} on {day}: {refused}"
            raise ConfigError([fault(text, "", given.place)]) from None
