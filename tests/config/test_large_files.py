"""Files that hold far too much, and files that are none: reported, in bounded work."""

import os

import pytest
from trueup.model import suggestions

MANY = 20_000


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


def lines(text, indent=""):
    return "".join(f"{indent}{text.format(number)}\n" for number in range(MANY))


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


def test_a_document_with_too_many_errors_says_that_the_rest_is_not_checked(project):
    path = project.root / "mappings/customer.yaml"
    path.write_text(path.read_text(encoding="utf-8") + lines("key_{0}: {0}"), encoding="utf-8")

    messages = [one for one in project.messages() if one.startswith("mappings/customer.yaml")]

    assert len(messages) == 101
    assert messages[0].startswith("mappings/customer.yaml:2:1: has more errors than the 100 that")
    assert "unknown key 'key_0'" in messages[1]


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
