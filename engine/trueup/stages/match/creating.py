"""Decides about rows without a record: create one, ask a person, or leave the row out."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.coerce import shown
from trueup.model.finding import Advice, named_apart
from trueup.model.verdict import Verdict
from trueup.stages.match.advice import MOST
from trueup.stages.match.candidates import Forms, SimilarIndex, forms_of
from trueup.stages.match.twins import TwinFinder
from trueup.stages.match.workspace import Workspace

NEVER_CREATED = "never-created"
"""Code of the finding of a row without a record that the mapping does not let create."""


class Creating:
    """Creates no record that may exist already, or that looks like another new row."""

    def __init__(
        self,
        work: Workspace,
        identities: Mapping[str, str],
        doubtful: Mapping[str, tuple[int, str]],
    ) -> None:
        """`identities` of rows; `doubtful`: a record that may be the row's, and the doubt."""
        self._work, self._identities, self._doubtful = work, identities, doubtful
        self._state, self._inputs = work.state, work.inputs
        self._mapping, self._advice = work.mapping, work.advice
        self._result = work.result
        self._forms: dict[str, Forms] = {}  # what rows to create resemble

    def run(self, keys: Iterable[str]) -> None:
        """Decides about every key without a record."""
        for key in keys:
            if key not in self._result.record_ids and self._work.is_open(key):
                self._create_or_ask(key)
        self._ask_about_twins()
        self._require_own_identity()

    def _create_or_ask(self, key: str) -> None:
        decision = self._advice.decision(key)
        if decision and decision.verdict is Verdict.CREATE:
            self._note_forms(key)  # another new row may look like this one
            self._result.create.append(key)
            return
        record, why = self._doubtful.get(key, (0, ""))
        if why and self._work.is_free(record):
            shown = self._work.shown(record)
            self._result.unknown[key] = f"it may be {shown}"
            self._work.ask(key, f"may be {shown}: it {why}", [record])
            return
        match self._create_setting(key):
            case "auto":
                self._create_unless_similar(key)
            case "ask":
                self._work.ask(key, "waits for a decision: `create: ask`", [])
            case "never" if decision and decision.verdict is Verdict.SUCCEED:
                self._create_unless_similar(key)  # in its own place, as decided
            case "never":
                text = f"not in {self._inputs.systems.target}, and not to be created"
                self._work.skip(key, NEVER_CREATED, text, self._mapping.create.place)
            case _:
                pass  # it is blocked already

    def _create_setting(self, key: str) -> str:
        """Returns auto, ask or never; blocks the row and returns "" for any other value."""
        place = self._mapping.create.place
        try:
            setting = evaluate(self._mapping.create.raw, self._inputs.names(key))
        except EVALUATION_ERRORS as fault:
            text = f"create cannot be evaluated: {fault}"
            self._work.block(key, "expression-failed", text, Advice("correct the mapping"), place)
            return ""
        if setting in ("auto", "ask", "never"):
            return str(setting)
        text = f"create gives {shown(setting)}: it must be auto, ask or never"
        self._work.block(key, "create-unclear", text, Advice("correct the mapping"), place)
        return ""

    def _create_unless_similar(self, key: str) -> None:
        similar = self._similar(key)
        if not similar:
            self._result.create.append(key)
            return
        shown = "; ".join(self._work.shown(record) for record in similar[:MOST])
        self._result.unknown[key] = f"it may be {shown}"
        self._work.ask(key, f"looks like {shown}, which no row is linked to", similar)

    def _similar(self, key: str) -> list[int]:
        """Records without a row that resemble the row in one of the mapping's `similar` fields."""
        forms = self._note_forms(key)
        return [record for record in self._similar_index.like(forms) if self._work.is_free(record)]

    def _note_forms(self, key: str) -> Forms:
        """Keeps the forms of the row to be created, for finding twins; none if unknown."""
        fields = self._mapping.fields
        specs = {name: fields[name] for name in self._mapping.similar if name in fields}
        values = self._inputs.values(key, specs) if specs else None
        if not values:
            return {}
        self._forms[key] = forms_of(values)
        return self._forms[key]

    @cached_property
    def _similar_index(self) -> SimilarIndex:
        names = [name for name in self._mapping.similar if name in self._mapping.fields]
        return SimilarIndex(self._state.records, names)

    def _ask_about_twins(self) -> None:
        """Asks about rows to be created that look like each other, or like another row's record."""
        finder = TwinFinder(
            self._state, self._inputs, self._result, self._similar_index, self._forms
        )
        in_question: set[str] = set()
        for key, text in finder.find(self._result.create).items():
            decision = self._advice.decision(key)
            if not (decision and decision.verdict is Verdict.CREATE):
                in_question.add(key)
                self._work.ask(key, text, [], self._advice.create_or_ignore(key))
        self._create_all_but(in_question)

    def _require_own_identity(self) -> None:
        """Blocks rows to be created that share an identity, which must identify one record."""
        groups: dict[str, list[str]] = {}
        for key in self._result.create:
            if key in self._identities:
                groups.setdefault(self._identities[key], []).append(key)
        blocked: set[str] = set()
        for keys in groups.values():
            named = named_apart({key: self._inputs.label(key) for key in keys})
            for key in keys if len(keys) > 1 else ():
                others = sorted(named[other] for other in keys if other != key)
                fields = ", ".join(self._mapping.identity)
                text = f"has the same identity ({fields}) as {' and '.join(others)}"
                remedy = Advice(f"give each of them its own in {self._inputs.systems.source}")
                place = next(iter(self._mapping.identity.values())).place
                blocked.add(key)
                self._work.block(key, "identity-shared", text, remedy, place)
        self._create_all_but(blocked)

    def _create_all_but(self, keys: set[str]) -> None:
        self._result.create = [key for key in self._result.create if key not in keys]
