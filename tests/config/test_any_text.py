"""Any content of the files gives a project or findings, and never an exception."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trueup.config.catalogues import load_tables
from trueup.config.documents import parse
from trueup.config.loader import check
from trueup.errors import ConfigError
from trueup.model.finding import Finding, Severity

from tests.support.paths import SCHEMAS

HERE = Path(__file__).parent
GOOD = HERE / "projects" / "good"
SHIPPED = SCHEMAS
FILES = sorted(str(path.relative_to(GOOD)) for path in GOOD.rglob("*.yaml"))
TEXTS = {file: (GOOD / file).read_text(encoding="utf-8") for file in FILES}

WORDS = sorted(
    {word for text in TEXTS.values() for word in text.split()}
    | {"{{ x }}", "~", "2026-13-01", "*a", "&a", "<<:"}
)
yamlish = st.lists(
    st.sampled_from([*WORDS, "\n", "\n  ", "\n    - ", ": ", "{", "}", "[", "]", '"', "\t"]),
    max_size=40,
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(WORDS)
    | st.dates()
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)

texts = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def walk(tree, steps=()):
    """Yields every part of a tree with the steps to it."""
    yield steps, tree
    parts = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for step, part in parts:
        yield from walk(part, (*steps, step))


def assert_is_checked(root):
    """Asserts what `check` promises for any content of the files."""
    project, findings = check(root, env={"AUTOTASK_SECRET": "s"}, shipped=SHIPPED)

    for finding in findings:
        assert isinstance(finding, Finding)
        assert finding.text
        assert finding.place
    assert (project is None) == any(finding.severity is Severity.ERROR for finding in findings)
    assert findings == check(root, env={"AUTOTASK_SECRET": "s"}, shipped=SHIPPED)[1]


def assert_file_is_checked(file, raw):
    """Asserts the same for the good project with another content of one file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "good"
        shutil.copytree(GOOD, root)
        (root / file).write_bytes(raw)
        assert_is_checked(root)


slow = settings(
    max_examples=settings().max_examples // 2, suppress_health_check=[HealthCheck.too_slow]
)


@given(
    raw=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_give_documents_or_findings_with_a_place(raw):
    documents, findings = parse(raw, "a.yaml")

    assert all(finding.place.file == "a.yaml" and finding.place.line >= 1 for finding in findings)
    if not findings:
        assert len(documents) == len(
            list(yaml.compose_all(raw.decode("utf-8-sig"), Loader=yaml.CSafeLoader))
        )


@given(text=yamlish.map(" ".join))
def test_anything_that_looks_like_yaml_gives_documents_or_findings(text):
    documents, findings = parse(text.encode(), "a.yaml")

    if not findings:
        assert len(documents) == len(list(yaml.compose_all(text, Loader=yaml.CSafeLoader)))


@given(tree=texts)
def test_quoted_text_is_read_unchanged_and_every_part_has_a_place(tree):
    text = yaml.safe_dump(tree, allow_unicode=True, default_style='"')

    [document], findings = parse(text.encode(), "a.yaml")

    assert findings == []
    assert document.data == tree
    assert {steps for steps, _ in walk(tree)} == set(document.values)


@given(file=st.sampled_from(FILES), tree=trees)
@slow
def test_any_data_in_any_file_gives_a_project_or_findings(file, tree):
    assert_file_is_checked(
        file, yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")
    )


@given(
    file=st.sampled_from(FILES),
    at=st.integers(0, 5_000),
    length=st.integers(0, 30),
    new=yamlish.map("".join) | st.text(max_size=6),
)
@slow
def test_any_change_of_a_good_file_gives_a_project_or_findings(file, at, length, new):
    text = TEXTS[file]
    at %= len(text)

    assert_file_is_checked(
        file, (text[:at] + new + text[at + length :]).encode("utf-8", "surrogatepass")
    )


@given(file=st.sampled_from(FILES), steps=st.lists(st.integers(0, 9), max_size=6), new=trees)
@slow
def test_any_value_at_any_position_of_a_good_file_gives_a_project_or_findings(file, steps, new):
    documents = list(yaml.load_all(TEXTS[file], Loader=yaml.BaseLoader))
    at = documents
    for step in steps:
        inner = list(at.keys() if isinstance(at, dict) else range(len(at)))
        if not inner or not isinstance(at[inner[step % len(inner)]], dict | list):
            break
        at = at[inner[step % len(inner)]]
    inner = list(at.keys() if isinstance(at, dict) else range(len(at)))
    if inner:
        at[inner[sum(steps) % len(inner)]] = new

    assert_file_is_checked(
        file, yaml.safe_dump_all(documents, allow_unicode=True).encode("utf-8", "surrogatepass")
    )


@given(tree=trees)
@slow
def test_any_catalogue_file_is_valid_or_refused(tree):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "work365.yaml"
        path.write_bytes(
            yaml.safe_dump({"tables": tree}, allow_unicode=True).encode("utf-8", "surrogatepass")
        )
        with suppress(ConfigError):
            assert isinstance(load_tables(path), dict)
