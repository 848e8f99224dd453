"""Edits that versions before 1.0 wrote as a text only: `forget customer A, B-7, Alpine Dental AG`.

The text alone is ambiguous, because keys and names may contain ", ". But each edit wrote the lines
of its effects and outcomes in the same transaction, right after its own line, and those hold the
mapping, the key and the changes as data. An edit is rebuilt from them, and it counts only if the
text that it would have had is the text of the line. What cannot be rebuilt this way stays a text.
"""

import json
from collections.abc import Iterator

from trueup.model.audit import ChangesSettled, LinkForgotten, RunClosed, SettledChange, TextOnly
from trueup.model.run import Step
from trueup.state.access import Transaction
from trueup.state.journal import JournalLine, LineKind

TextEdit = LinkForgotten | ChangesSettled | RunClosed | TextOnly

_WORDS = {Step.DONE: "landed", Step.NOT_LANDED: "absent"}


def read_text_edit(transaction: Transaction, seq: int, run: str, text: str) -> TextEdit:
    """The edit whose line number is `seq` and whose journal line holds only this text."""
    if run and text == f"settle {run} closed":
        return RunClosed()
    with transaction.each("read_after", {"seq": seq}) as selected:
        following = (JournalLine(*row) for row in selected)
        edit = _settled(following, run, text) if run else _forgotten(following, text)
    return edit or TextOnly(text)


def _forgotten(following: Iterator[JournalLine], text: str) -> LinkForgotten | None:
    effects = next(following, None)
    if effects is None or effects.kind != LineKind.EFFECTS:
        return None
    match json.loads(effects.data):
        case {"unlink": [[str(mapping), str(key)]]}:
            known = f"forget {mapping} {key}"
        case _:
            return None
    if text == known:
        return LinkForgotten(mapping, key)
    name = text.removeprefix(f"{known}, ")
    return LinkForgotten(mapping, key, name) if name != text else None


def _settled(following: Iterator[JournalLine], run: str, text: str) -> ChangesSettled | None:
    """Takes outcome lines of the run until they give the text; later lines are another call's."""
    changes: list[SettledChange] = []
    known = "settle"
    for line in following:
        if line.kind != LineKind.ENTRY or line.run != run or line.step not in _WORDS:
            return None
        step = Step(line.step)
        known += f"{',' if changes else ''} {line.change} {_WORDS[step]}"
        changes.append(SettledChange(line.change, landed=step is Step.DONE))
        if known == text:
            return ChangesSettled(tuple(changes))
    return None
