"""Bounds how many errors of one file are looked for and reported.

A file may hold a hundred thousand errors, such as one that another program wrote. The first ones
show what is wrong with it, and to look for all of them takes minutes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from trueup.model.finding import Finding, Place, Severity

MOST_ERRORS = 100
"""Errors of one file that are reported."""

CODE = "too-many"


def too_many(place: Place) -> Finding:
    """Returns the finding that says that a file has more errors than are reported."""
    text = f"has more errors than the {MOST_ERRORS} that are reported; the rest is not checked"
    return Finding(CODE, Severity.ERROR, text, "correct these first", place)


class ErrorLimit:
    """Ends checks of a file that has had too many errors. `files` are those."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._errors: Counter[str] = Counter()

    def take(self, findings: Iterable[Finding], place: Place) -> Iterator[Finding]:
        """Yields the findings of a check, and stops the check at the limit of its file.

        `place` is where in the file the checked part begins.
        """
        if place.file in self.files:
            return
        for finding in findings:
            if finding.severity is Severity.ERROR:
                self._errors[place.file] += 1
            if self._errors[place.file] > MOST_ERRORS:
                self.files.add(place.file)
                yield too_many(place)
                return
            yield finding


def capped(findings: Iterable[Finding]) -> list[Finding]:
    """Returns the findings, with as many errors of each file as are reported.

    Where a file has more, one finding says so.
    """
    kept: list[Finding] = []
    notes: dict[str, Finding] = {}
    errors: Counter[str] = Counter()
    for finding in findings:
        place = finding.place
        if place is None or finding.severity is not Severity.ERROR:
            kept.append(finding)
        elif finding.code == CODE:
            notes.setdefault(place.file, finding)
        elif errors[place.file] < MOST_ERRORS:
            errors[place.file] += 1
            kept.append(finding)
        elif place.file not in notes:
            notes[place.file] = too_many(Place(place.file))
    return [*kept, *notes.values()]


def in_order_of_files(given: Iterable[Finding]) -> list[Finding]:
    """Returns each finding once, in the order of the files, and not too many errors of a file.

    Where the YAML itself is broken, other findings at the same place are dropped.
    """
    findings = [*given]
    broken = {finding.place for finding in findings if finding.code == "yaml"}
    kept = {
        finding for finding in findings if finding.code == "yaml" or finding.place not in broken
    }
    return sorted(capped(sorted(kept, key=_sort_key)), key=_sort_key)


def _sort_key(finding: Finding) -> tuple[Place, str, str]:
    return finding.place or Place(""), finding.text, finding.remedy
