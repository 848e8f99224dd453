"""Options that write a file: they replace no file of the project, whether it is there or not."""

import shutil

import pytest

INPUTS = [
    "examples/work365/account.json",
    "examples/work365/new.csv",
    "examples/autotask.json",
    "schemas/mapping.schema.json",
    "mappings/new.yaml",
    ".trueup/state.sqlite",
    ".trueup/records.json",
    "examples/../.trueup/autotask.sqlite",
]
PLAN = ("plan", "--customer", "Alpine Dental AG")


@pytest.mark.parametrize("file", INPUTS)
def test_a_plan_replaces_no_file_of_the_project(work, trueup, file):
    shutil.rmtree(work / ".trueup", ignore_errors=True)
    before = (work / file).read_bytes() if (work / file).exists() else None

    code, out, err = trueup(*PLAN, "--out", file)

    assert (code, out) == (64, "")
    assert f"{file} is a file of the project; name another one." in err
    assert ((work / file).read_bytes() if (work / file).exists() else None) == before


@pytest.mark.parametrize(
    ("folder", "file", "code"),
    [
        (".", "account.json", 64),
        (".", "product.csv", 64),  # it would be read in place of the JSON
        (".", "plan.json", 0),
        (".", "reports/account.json", 0),
        ("..", "../account.json", 64),
        ("..", "../plan.json", 0),
        ("..", "account.json", 0),
    ],
)
def test_exports_beside_the_project_are_not_replaced(work, trueup, folder, file, code):
    exports = work / folder
    for export in [*(work / "examples" / "work365").iterdir()]:
        export.rename(exports / export.name)
    (work / "reports").mkdir()
    config = work / "trueup.yaml"
    text = config.read_text("utf-8").replace("path: examples/work365", f"path: {folder}")
    config.write_text(text, "utf-8")
    before = (exports / "account.json").read_bytes()

    assert trueup(*PLAN, "--out", file)[0] == code
    assert (exports / "account.json").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        ("show", "plan.json", "--format", "html", "--out"),
        ("show", "plan.json", "--out"),
        ("history", "export", "--out"),
        ("state", "export", "--out"),
        ("test", "--only", "phone", "--jobs", "1", "--timeout", "0", "--junit"),
    ],
)
def test_no_option_that_writes_a_file_replaces_one_of_the_project(work, saved, trueup, command):
    assert saved.exists()
    file = "examples/autotask.json"
    before = (work / file).read_bytes()

    code, _, err = trueup(*command, file)

    assert (code, (work / file).read_bytes()) == (64, before)
    assert "is a file of the project" in err


def test_a_plan_can_be_shown_into_a_file_without_a_project(work, saved, trueup, monkeypatch):
    elsewhere = work.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    code, _, err = trueup("show", saved, "--out", "plan.txt")

    assert (code, err) == (0, "")
    assert (elsewhere / "plan.txt").exists()


def test_beside_a_project_that_cannot_be_read_no_file_is_written(work, saved, trueup):
    assert saved.exists()
    config, export = work / "trueup.yaml", work / "examples/work365/account.json"
    config.write_text(config.read_text("utf-8").replace("\nsource:", "\nsorce:"), "utf-8")
    before = export.read_bytes()

    code, out, err = trueup("show", "plan.json", "--format", "json", "--out", export)

    assert (code, out, export.read_bytes()) == (1, "", before)
    assert "unknown key 'sorce'" in err
    assert trueup("show", "plan.json", "--format", "json")[0] == 0


def test_beside_exports_in_the_project_itself_a_plan_is_replaced(work, trueup):
    text = (work / "trueup.yaml").read_text(encoding="utf-8")
    (work / "trueup.yaml").write_text(
        text.replace("path: examples/work365", "path: ."), encoding="utf-8"
    )
    for file in (work / "examples/work365").iterdir():
        shutil.copy(file, work)
    assert trueup(*PLAN, "--out", "plan.json")[0] == 0

    assert trueup(*PLAN, "--out", "plan.json")[0] == 0
