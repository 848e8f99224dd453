"""Links, and names of files, modules and functions in the documentation."""

import ast
import importlib
import inspect
import re

import yaml
from trueup.planning.records.align import align

from tests.docs.pages import DOCS, PAGES, Page, page
from tests.docs.project import OTHERS, file_of
from tests.support.paths import ROOT
from tests.support.project_tests import SHIPPED

PACKAGE = ROOT / "engine" / "trueup"
MODULE = re.compile(
    r"(applying|cli|config|connectors|expressions|fleet|model|operations|pipeline|planning|ports"
    r"|render|review|stages|wiring|source\.(files|sql|dataverse)|target\.autotask"
    r"|sandbox\.(http|autotask|dataverse)|state\.postgres)"
    r"(\.(?!yaml\b)\w+)+"
)
PATH = re.compile(r"[\w.-]+/([\w.-]+/)*([\w.-]+\.(py|md|json|yaml|yml|txt))?|\w+\.py")
CITING = ("docs/explanation/autotask.md", "docs/explanation/work365.md")
"""Pages that name files of other repositories."""

PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")


def internal(page):
    return [link for link in page.links if not re.match(r"[a-z]+:", link)]


def test_every_internal_link_leads_to_a_page_and_a_heading():
    broken = []
    for source in PAGES:
        for link in internal(source):
            path, _, anchor = link.partition("#")
            target = (source.path.parent / path).resolve() if path else source.path
            is_there = target.exists() and (not anchor or anchor in Page(target).anchors)
            broken += [] if is_there else [(str(source), link)]

    assert broken == []


def test_a_page_of_the_site_links_to_files_in_docs_only():
    outside = [
        (str(page), link)
        for page in PAGES
        if page.path.is_relative_to(DOCS)
        for link in internal(page)
        if not (page.path.parent / link.partition("#")[0]).resolve().is_relative_to(DOCS)
    ]

    assert outside == []


def test_every_page_is_in_the_navigation_and_on_the_first_page():
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}

    navigation = yaml.safe_load((ROOT / "properdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = set(re.findall(r"[\w/-]+\.md", str(navigation)))
    linked = {link.partition("#")[0] for link in page("index.md").links}

    assert listed == pages
    assert linked == pages - {"index.md"}


def test_the_readme_links_to_every_page():
    pages = {f"docs/{path.relative_to(DOCS)}" for path in DOCS.rglob("*.md")}
    readme = Page(ROOT / "README.md")

    assert pages - {*readme.links} == {"docs/index.md"}


def examples():
    """Files that examples of the documentation write."""
    return {file_of(block) for page in PAGES for block in page.blocks if block.language == "yaml"}


def test_every_file_and_folder_that_is_named_exists():
    written = examples()
    missing = [
        (str(page), code)
        for page in PAGES
        if str(page) not in CITING
        for code in page.codes
        if PATH.fullmatch(code) and not PLACEHOLDER.search(code)
        if code not in written and not _exists(code)
    ]

    assert missing == []


def _exists(name):
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    if name.startswith((*ignored, *OTHERS)):  # what is built, and what a project has
        return True
    if name.startswith("tests/") and (SHIPPED / name.removeprefix("tests/")).exists():
        return True  # of a project
    if "/" not in name:
        return any(PACKAGE.rglob(name))
    return (ROOT / name).exists() or (PACKAGE / name).exists()


def resolve(name):
    """The object of a dotted name below the package."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(("trueup", *parts[:length])))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


def test_every_module_and_function_that_is_named_exists():
    missing = []
    for source in PAGES:
        names = {code.removesuffix("()") for code in source.codes}
        for name in sorted(name for name in names if MODULE.fullmatch(name) and name[-3:] != ".py"):
            try:
                resolve(name)
            except AttributeError:
                missing.append((str(source), name))

    assert missing == []


def test_the_walk_of_a_record_names_functions_of_every_layer():
    names = {
        code.split(".")[0]
        for code in page("explanation/architecture.md").codes
        if MODULE.fullmatch(code)
    }

    assert names >= {
        "cli",
        "operations",
        "pipeline",
        "planning",
        "stages",
        "applying",
        "ports",
        "model",
    }


def test_the_walk_of_a_record_has_each_step_of_a_mapping_in_its_order():
    """The steps are the calls of `align`, which does nothing else."""
    (function,) = ast.parse(inspect.getsource(align)).body
    assert isinstance(function, ast.FunctionDef)
    _, *steps = function.body
    called = [
        step.value.func
        for step in steps
        if isinstance(step, ast.Expr | ast.Assign) and isinstance(step.value, ast.Call)
    ]
    assert len(called) == len(steps)
    text = page("explanation/architecture.md").text
    walk = text.partition("### One mapping's turn")[2].partition("The result is")[0]

    assert re.findall(r"(?m)^\d+\. `[\w.]+\.(\w+)`", walk) == [ast.unparse(one) for one in called]


def test_pictures_are_small():
    pictures = {path.name: path.stat().st_size for path in (DOCS / "pictures").iterdir()}

    assert "changes.png" in pictures
    assert [name for name, size in pictures.items() if size >= 100_000] == []


def test_a_page_ends_with_a_line_end_and_quotes_extras_as_shells_need_it():
    assert [str(one) for one in PAGES if not one.text.endswith("\n")] == []
    assert [str(one) for one in PAGES if re.search(r"pip\s+install\s+trueup\[", one.text)] == []
