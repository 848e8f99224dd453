"""Resolves claims of more than one row on one record."""

from collections.abc import Sequence

from trueup.model.finding import Severity, named_apart
from trueup.stages.match.result import BY_DECISION
from trueup.stages.match.workspace import Workspace


class Claims:
    """Blocks rows that claim a record of another one."""

    def __init__(self, work: Workspace) -> None:
        self._work = work
        self._inputs, self._mapping, self._advice = work.inputs, work.mapping, work.advice

    def settle(self) -> None:
        """Blocks each row whose record another row has or claims.

        A row that loses its claim stays where it is linked, which may contest another claim: so
        this repeats until nothing is contested any more.
        """
        while True:
            claims: dict[int, list[str]] = {}
            for key, (record, _) in self._work.placed.items():
                claims.setdefault(record, []).append(key)
            contested = {
                key: (record, rivals)
                for record, keys in claims.items()
                for key in keys
                if (rivals := self._rivals(key, record, keys))
            }
            if not contested:
                return
            for key, (record, rivals) in contested.items():
                del self._work.placed[key]
                self.block(key, record, rivals)

    def _rivals(self, key: str, record: int, claims: Sequence[str]) -> list[str]:
        """Returns other rows that claim the record, or are linked to it and stay there.

        A decision takes precedence over a row that only fits, which is then blocked.
        """
        is_decided = self._work.placed[key][1] == BY_DECISION
        claiming = [
            other
            for other in claims
            if other != key and not (is_decided and self._work.placed[other][1] != BY_DECISION)
        ]
        staying = [
            other
            for other in self._work.links.rows_of(record)
            if other != key and other not in self._work.placed
        ]
        return claiming + staying

    def block(self, key: str, record: int, rivals: Sequence[str]) -> None:
        """Blocks a row whose record the rivals have or claim, and warns rows that have it."""
        label, entity = self._inputs.label, self._mapping.target.entity
        rows = sorted({key, *rivals}, key=lambda one: (label(one), one))
        named = named_apart({one: label(one) for one in rows})
        names = " and ".join(sorted(named[other] for other in rivals))
        remedy = self._advice.settle_claims(record, rows)
        place = self._mapping.target.place
        text = f"claims {entity} {record}, and so does {names}"
        self._work.block(key, "claimed-twice", text, remedy, place)

        text = f"{named[key]} claims its {entity} {record} as well"
        for other in rivals:
            if other in self._inputs.links or self._advice.is_decided(other, record):
                finding = self._work.finding(
                    "claimed-twice", Severity.WARNING, text, remedy, place, other
                )
                self._work.warnings.append(finding)
