"""`trueup state`: what is remembered between runs, and the few things that people do to it by hand."""

from collections.abc import Iterator, Sequence
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
from engine.model.document import encode
from engine.model.run import Effects, Lease, Link
from engine.ports import Memory
from engine.render.json_ import as_json, links_json
from engine.render.links import links_text, row_text, standing_text
from engine.render.words import known_as
from engine.state.sqlite import SqlState


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
    """List the links of MAPPING, or all; then who holds the lock, and what is in doubt."""
    project = here.project()
    if mapping is not None and mapping not in project.mappings:
        raise EngineError(f"there is no mapping {mapping!r}: the project has {', '.join(project.mappings)}")
    with wiring.open_state(project) as store:
        memory = store.load()
        links = in_order([link for link in memory.links.values() if mapping in (None, link.mapping)])
        standing = standing_text(
            store.holder(), memory.open_runs, [(run, entry.change) for run, entry in store.in_doubt()]
        )
    out(links_json(links) if here.json else links_text(links, here.style) + (f"\n{standing}" if standing else ""))
    return 0


@state.command(short_help="Show all that is known of a row.", epilog=example("trueup state show customer 749c6782"))
@click.argument("mapping")
@click.argument("key")
@common
def show(here: Here, mapping: str, key: str) -> int:
    """Show all that is known of the row KEY of MAPPING: its record, values last applied, what was pushed.

    The start of a key will do where only one row fits.
    """
    with wiring.open_state(here.project()) as store:
        memory = store.load()
    row = (mapping, known(memory, mapping, key))
    link, applied, pushed = memory.links.get(row), memory.applied.get(row, {}), memory.pushed.get(row)
    if here.json:
        out(as_json({"link": encode(link), "applied": encode(applied), "pushed": encode(pushed)}))
    else:
        out(row_text(link, applied, pushed, here.style))
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
        with locked(store) as lease:
            store.edit(lease, f"forget {mapping} {key}", Effects(unlink=((mapping, key),)), reason=reason)
    done(here, f"{mapping} {known_as(key)}: forgotten.")
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


def known(memory: Memory, mapping: str, key: str) -> str:
    """The whole key of the row that is meant. Raises EngineError where state knows none, or more than one."""
    keys = {row: "" for name, row in {*memory.links, *memory.applied, *memory.pushed} if name == mapping}
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
