"""Whatever happens inside a command becomes words and an exit code, and no secret gets out."""

import os

import click
import pytest
from trueup.cli import streams
from trueup.cli.error_handler import Ending
from trueup.cli.exit_codes import Exit
from trueup.cli.failures import folder_in
from trueup.cli.main import run
from trueup.cli.terminal import COLOURS, style
from trueup.errors import (
    LONGEST_LINE,
    ConfigError,
    EngineError,
    PlanRefused,
    RunLeftOpen,
    TargetUnavailable,
)
from trueup.model.finding import Finding, Place, Severity
from trueup.operations.redaction import scrubbed
from trueup.render.style import PLAIN

FINDING = Finding(
    "x",
    Severity.ERROR,
    "Compnies is no entity",
    "did you mean Companies?",
    Place("mappings/a.yaml", 3, 9),
)


def ended(error, *arguments):
    with Ending(arguments) as ending:
        raise error
    return ending.code


def no_file():
    try:
        open("/no/such/file")  # noqa: PTH123, SIM115 -- what a command might do
    except OSError as error:
        return error


@pytest.mark.parametrize(
    ("error", "code", "output"),
    [
        (TargetUnavailable("Autotask does not answer"), 1, "error: Autotask does not answer\n"),
        (no_file(), 1, "error: /no/such/file: No such file or directory\n"),
        (click.FileError("x.json", "is gone"), 1, "error: Could not open file 'x.json': is gone\n"),
        (
            ConfigError([FINDING]),
            1,
            "mappings/a.yaml:3:9: error: Compnies is no entity\n    → did you mean Companies?\n",
        ),
        (
            PlanRefused([FINDING]),
            1,
            "mappings/a.yaml:3:9: error: Compnies is no entity\n    → did you mean Companies?\n",
        ),
        (RunLeftOpen("run 7 is open"), 3, "error: run 7 is open\n"),
        (click.UsageError("what?"), 64, "what?\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
        (click.Abort(), 130, "\ninterrupted\n"),
    ],
)
def test_errors_have_their_codes_and_words_and_no_traceback(capsys, error, code, output):
    assert ended(error) == code
    assert capsys.readouterr() == ("", output)


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (EngineError("no \x1b[31m\u202efile\x07\nhere"), "error: no {}file\\x07\nhere\n"),
        (
            OSError(2, "No such file", "\x1b[31m\u202efile\x07"),
            "error: {}file\\x07: No such file\n",
        ),
        (ConfigError([Finding("x", Severity.ERROR, "\x1b[31m\u202e")]), "error: {}\n"),
        (RuntimeError("x\u202e"), "This is a fault in trueup"),
    ],
)
def test_control_characters_of_an_error_are_written_out(capsys, error, start):
    ended(error)

    shown = capsys.readouterr().err
    assert shown.startswith(start.replace("{}", "\\x1b[31m\\u202e"))
    assert not {"\x1b", "\x07", "\u202e"} & {*shown}


@pytest.mark.parametrize(
    "error", [OSError(36, "File name too long", "x" * 100_000), KeyError("x" * 100_000)]
)
def test_what_others_say_about_an_absurd_value_is_shortened(capsys, error):
    ended(error)

    assert len(capsys.readouterr().err) < 2 * LONGEST_LINE + 5_000


@pytest.mark.parametrize("offset", range(0, 24, 3))
@pytest.mark.parametrize(
    "make",
    [
        EngineError,
        RuntimeError,
        lambda text: OSError(36, text, "a.json"),
        lambda text: ConfigError([Finding("x", Severity.ERROR, text)]),
        lambda text: ConfigError([Finding("x", Severity.ERROR, text[1_200:])]),
    ],
)
def test_no_part_of_a_secret_is_shown_where_a_message_is_shortened(
    capsys, monkeypatch, make, offset
):
    monkeypatch.setenv("MY_API_TOKEN", "Zq7RtK2mWx9LpV4s")
    before, after = "x" * (1_700 - offset), "y" * (300 - offset)

    for text in (
        f"{before} Zq7RtK2mWx9LpV4s {'y' * 3_000}",
        f"{'x' * 3_000} Zq7RtK2mWx9LpV4s {after}",
    ):
        ended(make(text), "plan", "--json")

    shown = "".join(capsys.readouterr())
    assert "Zq7R" not in shown
    assert "pV4s" not in shown


def test_json_gets_the_error_as_json_too(capsys):
    assert ended(ConfigError([FINDING]), "plan", "--json") == 1
    shown = capsys.readouterr().out
    assert '"code": "x"' in shown
    assert ended(TargetUnavailable("away"), "plan", "--json") == 1
    assert capsys.readouterr().out == '{\n "error": "away"\n}\n'


def test_a_fault_of_trueup_gives_a_report_to_paste_without_secrets(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("W365_THING", "tell-nobody")
    (tmp_path / "trueup.yaml").write_text(
        "x: '{{ env.W365_THING }}'\ntarget: {secret: in-the-file, url: a}\n"
    )
    code = ended(ZeroDivisionError("tell-nobody, in-the-file"), "plan", "--project", str(tmp_path))
    err = capsys.readouterr().err
    assert code == Exit.FAULT == 70
    assert err.startswith("This is a fault in trueup, not in your project.")
    assert f"command: trueup plan --project {tmp_path}" in err
    assert "Traceback (most recent call last):" in err
    assert err.endswith("ZeroDivisionError: (hidden), (hidden)\n")


@pytest.mark.parametrize(
    ("file", "folder", "arguments"),
    [
        ("trueup.yaml", "mappings", ["plan"]),
        ("trueup.yaml", "mappings/deep", ["plan", "--json"]),
        ("fleet.yaml", "tenants/north", ["plan", "--tenant", "north", "--json"]),
        ("fleet.yaml", "project", ["plan", "--tenant=north"]),
        ("fleet.yaml", "project", ["fleet", "status"]),
        ("fleet.yaml", "elsewhere", ["plan", "--tenant", "n", "--project", "../project"]),
    ],
)
def test_a_secret_is_hidden_in_a_subfolder_too(
    capsys, monkeypatch, tmp_path, file, folder, arguments
):
    (tmp_path / file).write_text("target: {secret: '{{ env.AT_KEY }}'}\n")
    (tmp_path / folder).mkdir(parents=True)
    if "project" in {folder, *(part.removeprefix("../") for part in arguments)}:
        (tmp_path / "project").mkdir(exist_ok=True)
        (tmp_path / "project" / "trueup.yaml").write_text("project: shared\n")
    monkeypatch.chdir(tmp_path / folder)
    monkeypatch.setenv("AT_KEY", "hunter2-very-long")

    ended(EngineError("the server answered: bad key hunter2-very-long"), *arguments)

    shown = capsys.readouterr()
    assert shown.err == "error: the server answered: bad key (hidden)\n"
    assert "hunter2" not in shown.out


def test_what_ends_the_process_goes_through():
    with pytest.raises(SystemExit), Ending([]):
        raise SystemExit(5)


def test_a_command_line_that_is_wrong_ends_with_64(capsys):
    for line in (
        [],
        ["nope"],
        ["plan", "--nope"],
        ["plan", "--as-of", "yesterday"],
        ["show"],
        ["state"],
    ):
        assert run(line) == 64
        assert capsys.readouterr().out == ""
    assert run(["apply", "x", "--resume"]) == 64
    assert run(["apply", "x", "--force-lock"]) == 64
    assert "--force-lock needs --reason" in capsys.readouterr().err


def test_help_and_version_end_with_0(capsys):
    assert run(["--help"]) == 0
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("trueup, version ")


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["plan"], "."),
        (["plan", "--project", "a/b", "-v"], "a/b"),
        (["plan", "--project=c"], "c"),
        (["plan", "--project"], "."),
    ],
)
def test_the_folder_is_found_whatever_else_is_wrong(arguments, folder):
    assert str(folder_in(arguments)) == folder


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pass@host/x", "https://(hidden)@host/x"),
        ("Authorization: Bearer abc.def", "Authorization: (hidden)"),
        ("{'Secret': 'abcdef', 'a': 1}", "{'Secret': (hidden), 'a': 1}"),
        ("client_secret=abc&grant=x", "client_secret=(hidden)&grant=x"),
        ("export AUTOTASK_SECRET=…", "export AUTOTASK_SECRET=…"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text, shown):
    assert scrubbed(text) == shown


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        (
            "demo",
            "trueup-demo at demo.test, api@demo.test",
            "trueup-demo at demo.test, api@demo.test",
        ),
        ("demo", "it is demo. Or 'demo', demo", "it is (hidden). Or '(hidden)', (hidden)"),
        ("demodemo", "trueup-demodemo", "trueup-(hidden)"),
    ],
)
def test_a_short_secret_is_hidden_where_it_is_by_itself(monkeypatch, secret, text, shown):
    monkeypatch.setenv("AUTOTASK_SECRET", secret)
    assert scrubbed(text) == shown


def test_a_word_of_megabytes_is_gone_over_once(tmp_path):
    """Whatever goes back in it takes hours."""
    word = "secret" * 500_000
    (tmp_path / "trueup.yaml").write_text(f"project: {word}\n", encoding="utf-8")

    assert scrubbed(word, tmp_path) == word


def test_values_of_telling_variables_are_hidden_and_short_ones_would_hide_words(monkeypatch):
    monkeypatch.setenv("AUTOTASK_SECRET", "a b c d")
    monkeypatch.setenv("OTHER_TOKEN", "the")
    assert scrubbed("the a b c d of Autotask") == "the (hidden) of Autotask"


@pytest.mark.parametrize(
    ("terminal", "environment", "option", "wanted"),
    [
        (True, {}, False, COLOURS),
        (False, {}, False, PLAIN),
        (True, {"NO_COLOR": "1"}, False, PLAIN),
        (True, {"TERM": "dumb"}, False, PLAIN),
        (True, {}, True, PLAIN),
    ],
)
def test_colour_is_for_a_terminal_that_wants_it(monkeypatch, terminal, environment, option, wanted):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert style(no_color=option) is wanted


def test_a_character_that_the_terminal_lacks_is_escaped():
    master, slave = os.openpty()
    with open(slave, "w", encoding="latin-1") as terminal:  # noqa: PTH123 -- a descriptor
        guarded = streams._guarded(terminal)
        guarded.write("ä: 12 → 15\n")

        assert os.read(master, 100) == "ä: 12 \\u2192 15\r\n".encode("latin-1")
    os.close(master)
