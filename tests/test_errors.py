"""Messages stay readable whatever stands in a file."""

from trueup.errors import LONGEST_LINE, ConfigError, SourceError
from trueup.model.finding import Finding, Place, Severity

ABSURD = "x" * 1_000_000


def test_the_middle_of_an_absurd_message_is_left_out():
    text = str(SourceError(f"a.json:1:2: `{ABSURD}` occurs twice; keep one of them\n    → second"))

    first, second = text.split("\n")
    assert first.startswith("a.json:1:2: `xxx")
    assert first.endswith("xxx` occurs twice; keep one of them")
    assert " […998,045 characters…] " in first
    assert len(first) < LONGEST_LINE + 50
    assert second == "    → second"


def test_a_message_of_many_lines_is_kept():
    lines = "\n".join(f"trueup.yaml:{number}: wrong" for number in range(1_000))

    assert str(SourceError(lines)) == lines


def test_the_text_and_the_remedy_of_a_finding_are_shortened():
    finding = Finding("code", Severity.ERROR, f"a{ABSURD}b", f"c{ABSURD}d", Place("a.yaml", 1, 2))

    assert (finding.text[0], finding.text[-1]) == ("a", "b")
    assert (finding.remedy[0], finding.remedy[-1]) == ("c", "d")
    assert len(str(ConfigError([finding]))) < 2 * LONGEST_LINE + 100


def test_line_breaks_in_a_finding_do_not_keep_it_long():
    assert len(Finding("code", Severity.ERROR, "x\n" * 100_000).text) < LONGEST_LINE + 50
