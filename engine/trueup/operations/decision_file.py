"""Reads a file of decisions: CSV with a line for each, or YAML as decisions.yaml."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from trueup.config.days import parse_day
from trueup.config.documents import parse
from trueup.config.node import Node
from trueup.config.rules import parse_decisions
from trueup.config.schema import Schemas
from trueup.errors import ConfigError, EngineError
from trueup.local_files import read_regular
from trueup.model.finding import Finding, Place, Severity
from trueup.model.verdict import DECIDE_WORDS, Verdict
from trueup.operations.decision_entries import DecisionRequest, RequestedDecision, record_id
from trueup.operations.project_folder import shipped_schemas
from trueup.source.files.csv_document import CsvDocument
from trueup.source.files.streamed_text import StreamedText

COLUMNS = ("mapping", "key", "do", "link", "reason", "until", "on", "of")
"""The columns of a CSV file; a key may be a name, and either `do` or `link` is filled in."""

_DAYS = ("until", "on")


def read_decisions(file: Path) -> DecisionRequest:
    """Returns the decisions in a file, and all findings about its form.

    A name that ends in .yaml or .yml is YAML, any other CSV. Raises ConfigError for a file that is
    no list of decisions, EngineError for one that cannot be read or has none.
    """
    try:
        raw = read_regular(file)
    except OSError as error:
        raise EngineError(f"{file}: {error.strerror}") from error
    is_yaml = file.suffix.casefold() in {".yaml", ".yml"}
    found = _from_yaml(raw, str(file)) if is_yaml else _from_csv(raw, str(file))
    if not found.decisions and not found.faults:
        raise EngineError(f"{file}: there is no decision in it; nothing is written")
    return found


def _from_yaml(raw: bytes, file: str) -> DecisionRequest:
    documents, findings = parse(raw, file)
    if len(documents) > 1:
        place = documents[1].place()
        findings = [*findings, _error("a second document in a file that must have only one", place)]
    if not documents or documents[0].data is None:
        raise ConfigError(findings or [_error("this file is empty", Place(file))])
    checked = Schemas(shipped_schemas()).check(documents[0], "decisions")
    findings = [*findings, *checked.findings]
    if checked.data is None:
        raise ConfigError(findings)
    requested = [
        RequestedDecision(
            mapping=decision.mapping,
            key=decision.key,
            verdict=decision.verdict,
            reason=decision.reason,
            record=decision.record,
            until=decision.until,
            on=decision.on,
            of=decision.of,
            place=decision.place,
        )
        for decision in parse_decisions(Node(checked.document, checked.data))
    ]
    return DecisionRequest(requested, findings)


def _from_csv(raw: bytes, file: str) -> DecisionRequest:
    document = CsvDocument(StreamedText(raw, file), file)
    names = document.names()
    texts = [f"there is no column {name}" for name in ("mapping", "key") if name not in names]
    texts += [f"unknown column {name!r}" for name in names if name not in COLUMNS]
    if texts:
        remedy = f"the columns are {', '.join(COLUMNS)}"
        raise ConfigError([_error(text, Place(file, 1, 1), remedy) for text in texts])

    found: list[RequestedDecision] = []
    wrong: list[Finding] = []
    for position, row in document.rows():
        place = Place(file, document.line(position), 1)
        if isinstance(row, Mapping):
            cells = {name: str(cell or "").strip() for name, cell in row.items()}
            faults = [*_faults(cells)]
            found += [] if faults else [_decision_of(cells, place)]
        else:
            faults = [row.reason]
        wrong += [_error(fault, place) for fault in faults]
    return DecisionRequest(found, wrong)


def _faults(cells: Mapping[str, str]) -> Iterator[str]:
    """Yields what is wrong with a line."""
    do, link = cells.get("do", ""), cells.get("link", "")
    if not cells["mapping"] or not cells["key"]:
        yield "mapping and key must be filled in"
    if bool(do) == bool(link):
        yield "a decision has either do or link"
    elif do and do not in DECIDE_WORDS:
        yield f"{do!r} is no decision: use one of {', '.join(DECIDE_WORDS)}"
    elif link and record_id(link) is None:
        yield f"link is {link[:40]!r}: give the id of a record, a whole number from 1 on"
    yield from (
        f"{name} is {cells[name]!r}: write year-month-day, such as 2026-11-15"
        for name in _DAYS
        if cells.get(name) and parse_day(cells[name]) is None
    )


def _decision_of(cells: Mapping[str, str], place: Place) -> RequestedDecision:
    link = cells.get("link", "")
    return RequestedDecision(
        mapping=cells["mapping"],
        key=cells["key"],
        verdict=Verdict.LINK if link else Verdict(cells["do"]),
        reason=cells.get("reason", ""),
        record=record_id(link),
        until=parse_day(cells.get("until", "")),
        on=parse_day(cells.get("on", "")),
        of=cells.get("of", ""),
        place=place,
    )


def _error(text: str, place: Place, remedy: str = "") -> Finding:
    return Finding("decision", Severity.ERROR, text, remedy, place)
