"""Renders results of tests: differences, with the place in the file, and how to see more."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from trueup.model import document
from trueup.model.testing import Coverage, Mismatch, Mutation, ProjectTestResult
from trueup.render.formatting import count
from trueup.render.layout import free, lay_out
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style
from trueup.render.text import plan_text


def suite_text(
    results: Sequence[ProjectTestResult],
    command: Callable[[ProjectTestResult], str],
    style: Style = PLAIN,
    *,
    verbose: bool = False,
) -> str:
    """The tests that failed; with `verbose` all tests, and the plans of those that failed.

    `command` returns the command line that shows the plan of a test.
    """
    lines: list[str] = []
    for result in results:
        if not result.passed:
            lines += [*_failure(result, command, style, verbose=verbose), ""]
        elif verbose:
            lines.append(f"{style.add('passed')}  {sanitize(result.name)}")
    failed = sum(not one.passed for one in results)
    passed = count(len(results) - failed, "test") + " passed"
    lines.append(f"{passed}, {failed} failed." if failed else f"{passed}.")
    return "\n".join(lines) + "\n"


def _failure(
    result: ProjectTestResult,
    command: Callable[[ProjectTestResult], str],
    style: Style,
    *,
    verbose: bool,
) -> Iterator[str]:
    yield f"{style.error('failed')}  {sanitize(result.name)}"
    if result.error:
        yield from (f"  {sanitize(line)}" for line in result.error.splitlines())
    yield from _differences(result.differences, style)
    if verbose and result.plan:
        text = plan_text(document.loads(result.plan), style, verbose=True)
        yield from ("", *(f"  {line}".rstrip() for line in text.splitlines()))
    elif result.plan:
        yield style.dim(f"  the whole plan: {sanitize(command(result), sys.maxsize)}")


def _differences(differences: Iterable[Mismatch], style: Style) -> Iterator[str]:
    for difference in differences:
        yield f"  {difference.place}: {sanitize(difference.what)}"
        yield from (style.remove(f"    - {sanitize(line)}") for line in difference.expected)
        yield from (style.add(f"    + {sanitize(line)}") for line in difference.actual)


def coverage_text(coverage: Coverage, style: Style = PLAIN) -> str:
    """Returns how much was reached, and what was not, with its place."""
    shares = (
        f"{coverage.reached(kind):,} of {count(total, kind)}"
        for kind, total in coverage.totals.items()
    )
    lines = [free(f"Reached: {', '.join(shares)}.")]
    lines += [
        free(f"{one.place}: {sanitize(one.text, sys.maxsize)}", style.dim, indent=2)
        for one in coverage.unreached
    ]
    return "".join(f"{line}\n" for line in lay_out(lines, style.columns))


def mutation_text(mutation: Mutation, style: Style = PLAIN) -> str:
    """Returns how many changes no test noticed, and which, each with its place."""
    unnoticed = len(mutation.survivors)
    lines = [f"{count(mutation.total, 'mutant')}, {unnoticed:,} not noticed by any test."]
    for survivor in mutation.survivors:
        reach = f"reached by {count(survivor.tests, 'test') if survivor.tests else 'no test'}"
        lines.append(f"  {survivor.place}: {sanitize(survivor.text)} {style.dim(f'({reach})')}")
    return "\n".join(lines) + "\n"


def mutation_json(mutation: Mutation) -> dict[str, object]:
    """The same, ready for `json.dumps`."""
    survivors = [
        {"place": str(survivor.place), "text": survivor.text, "tests": survivor.tests}
        for survivor in mutation.survivors
    ]
    return {"mutants": mutation.total, "not_noticed": survivors}


def suite_json(
    results: Sequence[ProjectTestResult], coverage: Coverage | None = None
) -> dict[str, object]:
    """The results ready for `json.dumps`."""
    failed = sum(not result.passed for result in results)
    reached = {} if coverage is None else {"coverage": _coverage_json(coverage)}
    return {
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [
            {
                "name": result.name,
                "place": str(result.place),
                "passed": result.passed,
                "error": result.error,
                "differences": [
                    {
                        "place": str(difference.place),
                        "what": difference.what,
                        "expected": [*difference.expected],
                        "actual": [*difference.actual],
                    }
                    for difference in result.differences
                ],
            }
            for result in results
        ],
        **reached,
    }


def _coverage_json(coverage: Coverage) -> dict[str, object]:
    return {
        "reached": {
            kind: {"reached": coverage.reached(kind), "total": total}
            for kind, total in coverage.totals.items()
        },
        "unreached": [
            {"kind": one.kind, "place": str(one.place), "text": one.text}
            for one in coverage.unreached
        ],
    }
