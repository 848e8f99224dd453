"""Files that hold far too much, and files that are none: reported, in bounded work."""

import os

import pytest
from trueup.config.checks import expressions
from trueup.config.error_limit import MOST_ERRORS
from trueup.config.schema import Schemas
from trueup.expressions.inspection import inspect
from trueup.model import suggestions

MANY = 2 * suggestions.MOST_SEARCHES


@pytest.fixture
def searches(monkeypatch):
    """Counts the names that are compared with known ones, which is what takes time."""
    counted = []

    def counting(wrong, names):
        counted.append(wrong)
        return by_common_words(wrong, names)

    by_common_words = suggestions._by_common_words
    monkeypatch.setattr(suggestions, "_by_common_words", counting)
    return counted


def lines(text, indent="", many=MANY):
    return "".join(f"{indent}{text.format(number)}\n" for number in range(many))


@pytest.mark.parametrize(
    ("file", "before", "text", "indent"),
    [
        ("trueup.yaml", "", "key_{0}: {0}", ""),
        ("trueup.yaml", "settings:\n", "key_{0}: {0}", "  "),
        ("mappings/customer.yaml", "", "key_{0}: {0}", ""),
        ("mappings/customer.yaml", "fields:\n", "key_{0}: {0}", "  "),
        ("rules/all.yaml", "rules:\n", "- nam_{0}: x", "  "),
    ],
)
def test_many_unknown_keys_are_reported_with_bounded_work(
    project, searches, file, before, text, indent
):
    path = project.root / file
    old = path.read_text(encoding="utf-8")
    added = lines(text, indent)
    new = old.replace(f"\n{before}", f"\n{before}{added}", 1) if before else old + added
    path.write_text(new, encoding="utf-8")

    messages = project.messages()

    assert messages
    assert len(searches) <= suggestions.MOST_SEARCHES


def test_many_files_with_unknown_keys_are_reported_with_bounded_work(project, searches):
    """The errors of each file are limited; the names that are compared, in all files together."""
    files = 2 * suggestions.MOST_SEARCHES // MOST_ERRORS
    text = (project.root / "mappings/customer.yaml").read_text(encoding="utf-8")
    for number in range(files):
        path = project.root / f"mappings/m{number}.yaml"
        path.write_text(text + lines("key_{0}: {0}", many=MOST_ERRORS + 1), encoding="utf-8")

    messages = project.messages()

    assert sum("has more errors than" in one for one in messages) == files
    assert len(searches) == suggestions.MOST_SEARCHES


def test_a_document_with_too_many_errors_has_a_note_that_the_rest_is_not_checked(project):
    path = project.root / "mappings/customer.yaml"
    path.write_text(path.read_text(encoding="utf-8") + lines("key_{0}: {0}"), encoding="utf-8")

    messages = [one for one in project.messages() if one.startswith("mappings/customer.yaml")]

    assert len(messages) == 101
    assert messages[0].startswith("mappings/customer.yaml:2:1: has more errors than the 100 that")
    assert "unknown key 'key_0'" in messages[1]


@pytest.fixture
def compiled(monkeypatch):
    """Counts the expressions that are checked, which is what takes time."""
    counted = []

    def counting(text):
        counted.append(text)
        return inspect(text)

    monkeypatch.setattr(expressions, "inspect", counting)
    return counted


@pytest.mark.parametrize(
    ("file", "before", "text"),
    [
        ("mappings/customer.yaml", "fields:\n", '  udf.x{0}: "{{{{ source.name | }}}}"'),
        ("mappings/customer.yaml", "fields:\n", '  udf.x{0}: "{{{{ source.nam{0} }}}}"'),
        ("mappings/customer.yaml", "match:\n", '  - udf.x{0}: "{{{{ source.name | trm }}}}"'),
        (
            "rules/all.yaml",
            "rules:\n",
            (
                "  - {{rule: x{0}, for: customer, assert: '{{{{ source.n{0} }}}}', "
                "message: x, severity: error}}"
            ),
        ),
    ],
)
def test_many_wrong_expressions_of_a_file_are_not_all_checked(
    project, compiled, file, before, text
):
    project.messages()
    usual = len(compiled)
    compiled.clear()
    path = project.root / file
    old = path.read_text(encoding="utf-8")
    assert before in old
    path.write_text(old.replace(before, before + lines(text, many=1_000), 1), encoding="utf-8")

    messages = [one for one in project.messages() if one.startswith(file)]

    assert len(messages) == MOST_ERRORS + 1
    assert len(compiled) > usual
    assert sum("has more errors than the 100 that are reported" in one for one in messages) == 1
    assert len(compiled) <= usual + 3 * MOST_ERRORS


def test_many_wrong_decisions_are_not_all_reported(project):
    path = project.root / "mappings" / "decisions.yaml"
    entry = "- {{mapping: custmer, key: k{0}, do: create, reason: x}}"
    path.write_text("decisions:\n" + lines(entry, many=1_000), encoding="utf-8")

    messages = [one for one in project.messages() if one.startswith("mappings/decisions.yaml")]

    assert len(messages) == MOST_ERRORS + 1


def test_many_documents_with_errors_are_not_all_checked(project, monkeypatch):
    checked = []

    def counting(self, document, kind, **options):
        checked.append(kind)
        return check(self, document, kind, **options)

    check = Schemas.check
    monkeypatch.setattr(Schemas, "check", counting)
    path = project.root / "mappings" / "customer.yaml"
    path.write_text(path.read_text(encoding="utf-8") + lines("---\nmapping: m{0}", many=1_000))

    messages = [one for one in project.messages() if one.startswith("mappings/customer.yaml")]

    assert len(messages) == MOST_ERRORS + 1
    assert len(checked) < 2 * MOST_ERRORS


def test_as_many_errors_as_are_reported_are_all_reported(project):
    path = project.root / "mappings" / "customer.yaml"
    added = "".join(f'  udf.x{at}: "{{{{ source.nam{at} }}}}"\n' for at in range(MOST_ERRORS))
    text = path.read_text(encoding="utf-8").replace("fields:\n", f"fields:\n{added}", 1)
    path.write_text(text, encoding="utf-8")

    messages = [one for one in project.messages() if "there is no" in one or "no column" in one]

    assert len(messages) == MOST_ERRORS
    assert not any("has more errors" in one for one in project.messages())


@pytest.mark.parametrize(
    "file",
    [
        "trueup.yaml",
        "mappings/customer.yaml",
        "mappings/decisions.yaml",
        "rules/all.yaml",
    ],
)
def test_a_pipe_is_not_waited_for(project, file):
    path = project.root / file
    path.unlink(missing_ok=True)
    os.mkfifo(path)

    assert any(f"{file}: is not a regular file" in message for message in project.messages())
