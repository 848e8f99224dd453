"""Write-backs to logs: the mark that says they are done with."""

from collections.abc import Iterable

from engine.expressions import evaluate
from engine.model.plan import Action, Change, FieldChange, Reason, Seen
from engine.model.project import MappingSpec
from engine.model.work import Standing
from engine.planning.draft import Draft
from engine.planning.needs import made_of


class Marks:
    """Adds the marks of one append-only mapping to its changes."""

    def __init__(self, draft: Draft, mapping: MappingSpec, standing: Standing) -> None:
        self.draft, self.mapping, self.standing = draft, mapping, standing
        self.columns = made_of(draft.project, mapping)

    def alone(self, key: str, why: str) -> None:
        """The mark of a log that nothing is sent for."""
        self.add(f"{self.mapping.name}:{key}:mark", (key,), (), why)

    def add(self, id_: str, keys: tuple[str, ...], needs: tuple[str, ...], why: str) -> None:
        """The write-back of these logs, if the mapping has one."""
        spec = self.mapping.write_back
        if spec is None or not keys:
            return
        names = self.draft.names(self.mapping.name, keys[0])
        values = {name: evaluate(value.raw, names) for name, value in spec.set.items()}
        row = self.standing.rows[keys[0]]
        rows: dict[str, str] = {}  # after an adjustment the logs were checked with it
        for key in keys if not needs else ():
            rows.update(self.draft.row_seen(self.mapping, key))
        change = Change(
            id=id_,
            action=Action.WRITE_BACK,
            mapping=self.mapping.name,
            keys=keys,
            name=self.draft.label(self.mapping.name, keys[0]),
            tab=self.mapping.tab,
            entity=self.mapping.source.table,
            place=spec.place,
            values=values,
            fields=tuple(
                FieldChange(name, row.get(name), value, Reason.NEW, str(row.get(name)), str(value))
                for name, value in values.items()
            ),
            needs=needs,
            seen=Seen(row=rows, record={name: row.get(name) for name in values}, made_of=self._made_of(keys)),
            notes=(why,) if why else (),
        )
        self.standing.changes.setdefault(id_, []).append(change)

    def _made_of(self, keys: Iterable[str]) -> dict[str, dict[str, object]]:
        """What the logs said: the source sets no mark on one that says something else by then."""
        return {key: {name: self.standing.rows[key].get(name) for name in self.columns} for key in keys}
