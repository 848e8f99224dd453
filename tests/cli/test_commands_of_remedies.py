"""Commands that remedies name, as a shell and the command line take them."""

import shlex

import pytest
from trueup.cli.decide import decide
from trueup.model.finding import Command
from trueup.model.verdict import Verdict


@pytest.mark.parametrize("key", ["a1", "it's $b", "-x", "--help", "--reason=z"])
@pytest.mark.parametrize(
    ("command", "verdict", "of"),
    [
        (lambda key: Command.decide("customer", key, Verdict.ARCHIVE), "archive", ""),
        (lambda key: Command.succeed("customer", key, "-b 2"), "succeed", "-b 2"),
    ],
)
def test_any_key_of_a_row_is_taken_as_a_key(command, verdict, of, key):
    words = shlex.split(str(command(key)))

    assert words[:2] == ["trueup", "decide"]
    params = decide.make_context("decide", words[2:]).params
    assert (params["mapping"], params["keys"], params["what"]) == ("customer", (key,), verdict)
    assert (params["of"], params["reason"]) == (of, "…")
