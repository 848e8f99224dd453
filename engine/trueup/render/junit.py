"""Results of tests as JUnit XML, which CI systems show."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from trueup.model.testing import ProjectTestResult
from trueup.render.sanitize import sanitize


def junit_xml(results: Sequence[ProjectTestResult]) -> str:
    """One suite for each file with tests, with the differences of each test that failed."""
    root = Element("testsuites", _counts(results))
    for file, group in groupby(results, key=lambda one: one.place.file):
        of_file = [*group]
        suite = SubElement(root, "testsuite", {"name": file, **_counts(of_file)})
        for result in of_file:
            _case(suite, result)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _counts(results: Sequence[ProjectTestResult]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(bool(result.differences) for result in results)),
        "errors": str(sum(bool(result.error) for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _case(suite: Element, result: ProjectTestResult) -> None:
    place = result.place
    case = SubElement(
        suite,
        "testcase",
        {
            "name": sanitize(result.name),
            "classname": place.file.removesuffix(".yaml").replace("/", "."),
            "file": place.file,
            "line": str(place.line),
            "time": f"{result.seconds:.3f}",
        },
    )
    if result.error:
        SubElement(case, "error", {"message": sanitize(result.error.splitlines()[0])})
    elif result.differences:
        first = result.differences[0]
        failure = SubElement(case, "failure", {"message": sanitize(first.what)})
        failure.text = "\n".join(
            line
            for difference in result.differences
            for line in (
                f"{difference.place}: {sanitize(difference.what)}",
                *(f"- {sanitize(text)}" for text in difference.expected),
                *(f"+ {sanitize(text)}" for text in difference.actual),
            )
        )
