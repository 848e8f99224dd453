"""What stands in the place of a file that a project may go without is an error, never absence."""

import os

import pytest

OPTIONAL = {
    "mappings/decisions.yaml": ("validate",),
    "schemas/autotask.yaml": ("validate",),
    "schemas/work365.yaml": ("validate",),
    "tests/defaults.yaml": ("test", "--only", "phone", "--jobs", "1", "--timeout", "0"),
}


def a_link_to_nowhere(path):
    path.symlink_to("moved-away.yaml")


def a_pipe(path):
    os.mkfifo(path)


def a_folder(path):
    path.mkdir()


KINDS = [
    a_link_to_nowhere,
    pytest.param(a_pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")),
    a_folder,
]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("file", OPTIONAL)
def test_what_is_no_file_is_not_taken_for_a_file_that_is_absent(work, trueup, file, make):
    (work / file).unlink(missing_ok=True)
    assert trueup(*OPTIONAL[file])[0] == 0
    make(work / file)

    code, out, err = trueup(*OPTIONAL[file])

    assert code == 1
    assert file in out + err or "moved-away.yaml" in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize("make", KINDS)
def test_decisions_that_cannot_be_read_are_not_overwritten(work, trueup, make):
    file = work / "mappings/decisions.yaml"
    file.unlink()
    make(file)

    code, _, err = trueup("decide", "customer", "Alpine Dental AG", "ignore", "--reason", "seen")

    assert (code, "mappings/decisions.yaml" in err) == (1, True)
    assert not (work / "mappings/moved-away.yaml").exists()


@pytest.mark.parametrize("make", KINDS)
def test_a_missing_file_with_tests_is_reported(work, trueup, make):
    make(work / "mine.yaml")

    code, _, err = trueup("test", "mine.yaml")

    assert code == 1
    assert "mine.yaml" in err or "moved-away.yaml" in err or make is a_folder
    assert "there is no file or folder" not in err
