"""`trueup state`: what is remembered between runs, and the few things that people do to it by hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

import click

from engine import wiring
from engine.applying import by_hand
from engine.cli.apply import who
from engine.cli.common import Here, common, example
from engine.cli.files import write_whole
from engine.cli.keys import whole
from engine.cli.show import text_of
from engine.cli.terminal import out
from engine.errors import EngineError
from engine.model.document import called, encode
from engine.model.run import Effects, Lease, Link
from engine.planning.tenants import systems
from engine.ports import Memory
from engine.render.by_hand import by_hand_json, by_hand_text, forgotten, of_row
from engine.render.json_ import as_json, link_json, links_json
from engine.render.links import Doubt, Known, links_text, row_text, standing_text
from engine.render.words import known_as
from engine.state.sqlite import SqlState

FEW = 5
"""Of what was done by hand, what `list` shows; `trueup history` shows all."""


@click.group(
    short_help="Look at what is remembered, mend it by hand.",
    epilog=example("trueup state list", "trueup state show customer 749c6782"),
)
def state() -> None:
    """What is remembered between runs: which row is which record, what was pushed, what is in doubt."""


@state.command("list", short_help="List the links.", epilog=example("trueup state list customer"))
@click.argument("mapping", required=False)
@common
def list_(here: Here, mapping: str | None) -> int:
    """List the links of MAPPING, or all; then who holds the lock, what is in doubt, what was done by hand lately."""
    project = here.project()
    if mapping is not None and mapping not in project.mappings:
        raise EngineError(f"there is no mapping {mapping!r}: the project has {', '.join(project.mappings)}")
    with wiring.open_state(project) as store:
        memory = store.load()
        links = in_order([link for link in memory.links.values() if mapping in (None, link.mapping)])
        names = names_of(store, {(link.mapping, link.key) for link in links})
        standing = standing_text(store.holder(), memory.open_runs, doubts(store, memory))
        by_hand = by_hand_text(store.audit()[-FEW:], project.zone, here.style)
    parts = [links_text(links, names, here.style), standing, by_hand]
    out(links_json(links, names) if here.json else "\n".join(part for part in parts if part))
    return 0


@state.command(short_help="Show all that is known of a row.", epilog=example("trueup state show customer 749c6782"))
@click.argument("mapping")
@click.argument("key")
@common
def show(here: Here, mapping: str, key: str) -> int:
    """Show all that is known of the row KEY of MAPPING: its record, values last applied, what was pushed.

    The start of a key will do where only one row fits.
    """
    project = here.project()
    with wiring.open_state(project) as store:
        memory, audit = store.load(), store.audit()
        row = (mapping, known(memory, mapping, key, forgotten(audit, mapping)))
        names = names_of(store, {row})
    link, applied, pushed = memory.links.get(row), memory.applied.get(row, {}), memory.pushed.get(row)
    by_hand = of_row(audit, *row)
    if here.json:
        linked = link_json(link, names) if link else None
        rest = {"pushed": encode(pushed), "by_hand": by_hand_json(by_hand, project.zone)}
        out(as_json({"link": linked, "applied": encode(applied), **rest}))
    else:
        out(row_text(Known(names.get(row, ""), link, applied, pushed, by_hand), project.zone, here.style))
    return 0


@state.command(
    short_help="Forget which record a row is.",
    epilog=example("trueup state forget customer 749c6782 --reason 'linked to the wrong company'"),
)
@click.argument("mapping")
@click.argument("key")
@click.option("--reason", required=True, help="Why; it is recorded.")
@common
def forget(here: Here, mapping: str, key: str, reason: str) -> int:
    """Forget which record the row KEY of MAPPING is. Nothing is written to Autotask. The start of a key will do.

    The next plan looks for its record anew. What was pushed stays remembered: it is never pushed again.
    """
    with wiring.open_state(here.project()) as store:
        memory = store.load()
        key = known(memory, mapping, key)
        if (mapping, key) not in memory.links:
            raise EngineError(f"{mapping} {key} is linked to nothing")
        name = names_of(store, {(mapping, key)}).get((mapping, key), "")
        what = f"forget {mapping} {key}{f', {name}' if name else ''}"
        with locked(store) as lease:
            store.edit(lease, what, Effects(unlink=((mapping, key),)), reason=reason)
    done(here, f"{mapping} {known_as(key)}{f' ({known_as(name)})' if name else ''}: forgotten.")
    return 0


@state.command(
    short_help="Say what became of a change in doubt.",
    epilog=example(
        "trueup state settle license_change:3f2a landed --reason 'seen in Autotask, 3 more from 2026-11-15'",
        "trueup state settle customer:C-7 landed --record 29683 --reason 'it is there'",
        "trueup state settle license_change:3f2a absent --reason 'units are as before'",
        "trueup state settle 7f3a2c91d004 closed --reason 'the rest is planned anew'",
    ),
)
@click.argument("change")
@click.argument("what", type=click.Choice(["landed", "absent", "closed"]))
@click.option("--record", type=click.IntRange(min=1), metavar="ID", help="The record that a create made.")
@click.option("--reason", required=True, help="What was seen, and where; it is recorded.")
@common
def settle(here: Here, change: str, what: str, record: int | None, reason: str) -> int:
    """Say by hand what became of CHANGE, which is in doubt and which reading could not settle.

    \b
    landed   it took effect
    absent   it did not
    closed   (with a RUN in the place of CHANGE) the run is not resumed; nothing of it may be in doubt
    """
    project = here.project()
    with wiring.open_state(project) as store, locked(store) as lease:
        if what == "closed":
            by_hand.close(store, lease, change, wiring.SystemClock().now(), reason)
        else:
            said = by_hand.Said(change, what == "landed", record, reason, wiring.SystemClock().now())
            by_hand.settle(project, store, lease, said)
    done(here, f"{known_as(change)}: {what}.")
    return 0


@state.command(
    short_help="Say that it is the same tenant under another name.",
    epilog=example("trueup state adopt --reason 'the API user was renamed'"),
)
@click.option("--reason", required=True, help="Why it is the same; it is recorded.")
@common
def adopt(here: Here, reason: str) -> int:
    """Say that what is configured now is the tenant that this state is about: another API user, another address.

    Nothing is written to Autotask. A state of another tenant is not adopted so: its links would be wrong.
    """
    project = here.project()
    with wiring.open_world(project) as world:
        now = systems(world)
    with wiring.open_state(project) as store, locked(store) as lease:
        before = dict(store.load().systems)
        if before | now == before:
            raise EngineError(f"this state is about {', '.join(before.values()) or 'any'} already")
        store.adopt(lease, {**before, **now}, reason=reason)
    done(here, f"This state is about {', '.join(now.values())} from now on.")
    return 0


@state.command(short_help="Write the state as JSON.", epilog=example("trueup state export --out state.json"))
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to; stdout if left out.",
)
@common
def export(here: Here, file: Path | None) -> int:
    """Write the whole state as JSON, one row a line."""
    with wiring.open_state(here.project()) as store:
        text = store.export()
    if file:
        write_whole(file, text)
        done(here, f"Saved to {file}.")
    else:
        out(text)
    return 0


@state.command(
    "import", short_help="Fill an empty state from an export.", epilog=example("trueup state import state.json")
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def import_(here: Here, file: Path) -> int:
    """Fill an empty state from an export, whole or not at all."""
    text = text_of(file)
    with wiring.open_state(here.project()) as store:
        store.import_(text)
    done(here, f"Filled from {file}.")
    return 0


def in_order(links: Sequence[Link]) -> list[Link]:
    """By mapping and key, mappings in the order in which they first come."""
    first = {link.mapping: position for position, link in reversed(list(enumerate(links)))}
    return sorted(links, key=lambda link: (first[link.mapping], link.key))


def names_of(store: SqlState, rows: AbstractSet[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """What the latest plan that was applied to them called these rows."""
    found: dict[tuple[str, str], str] = {}
    for run in reversed(store.runs(plans=False)):
        if rows <= found.keys():
            break
        for one in called(store.run(run.id).plan):
            for row in ((one.mapping, key) for key in one.keys):
                if row in rows and row not in found:
                    found[row] = one.name
    return found


def doubts(store: SqlState, memory: Memory) -> list[Doubt]:
    """What is in doubt, by the names of the plans."""
    names = {(run.id, one.change): one.name for run in memory.open_runs for one in called(run.plan)}
    return [Doubt(run, entry.change, names.get((run, entry.change), ""), entry.at) for run, entry in store.in_doubt()]


def known(memory: Memory, mapping: str, key: str, more: Iterable[str] = ()) -> str:
    """The whole key of the row that is meant. Raises EngineError where state knows none, or more than one."""
    remembered = {row for name, row in {*memory.links, *memory.applied, *memory.pushed} if name == mapping}
    keys = dict.fromkeys({*remembered, *more}, "")
    if not any(one.casefold().startswith(key.casefold()) for one in keys):
        raise EngineError(f"state knows no row {key!r} of {mapping}: `trueup state list` shows what it knows")
    return whole(key, keys, mapping)


@contextmanager
def locked(store: SqlState) -> Iterator[Lease]:
    """Holds the lock while something is done by hand. Raises StateLocked."""
    lease = store.acquire(who())
    try:
        yield lease
    finally:
        store.release(lease)


def done(here: Here, text: str) -> None:
    """Says that it is done."""
    out(as_json({"done": text}) if here.json else f"{text}\n")
