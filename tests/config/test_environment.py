"""Secrets come from the environment and reach the options, but no message."""

from trueup.model.finding import Severity


def test_variables_are_replaced_also_inside_text(project):
    project.edit("trueup.yaml", "api@small.example", '"{{ env.USER_NAME }}@{{env.HOST}}"')
    project.env.update(USER_NAME="api", HOST="small.example")

    options = project.load().target.options

    assert options["integration_code"] == "code"
    assert options["username"] == "api@small.example"


def test_a_value_of_the_environment_is_never_evaluated_again(project):
    project.env["AUTOTASK_CODE"] = "{{ env.AUTOTASK_SECRET }}"

    assert project.load().target.options["integration_code"] == "{{ env.AUTOTASK_SECRET }}"


def test_the_repr_of_a_project_has_no_secret(project):
    assert "hunter2" not in repr(project.load())


def test_a_missing_or_empty_variable_is_named_without_any_value(project):
    project.env.update(AUTOTASK_SECRET="", OTHER="hunter2")
    del project.env["AUTOTASK_CODE"]

    assert project.messages() == [
        "info: trueup.yaml:11:11: the environment variable AUTOTASK_SECRET is not set",
        "info: trueup.yaml:12:21: the environment variable AUTOTASK_CODE is not set",
    ]


def test_a_missing_variable_is_an_error_for_the_connection_that_needs_it(project):
    project.env["AUTOTASK_SECRET"] = ""
    loaded = project.load()

    (finding,) = loaded.target.unset
    assert finding.line() == (
        "trueup.yaml:11:11: the environment variable AUTOTASK_SECRET is not set\n"
        "    → export AUTOTASK_SECRET=…"
    )
    assert (finding.variable, finding.severity) == ("AUTOTASK_SECRET", Severity.ERROR)
    assert loaded.source.unset == ()


def test_a_secret_in_the_file_gives_a_warning_that_does_not_show_it(project):
    project.edit("trueup.yaml", "{{ env.AUTOTASK_SECRET }}", "hunter2")

    assert project.messages() == [
        (
            "warning: trueup.yaml:11:11: secret is written in the file, where everyone who has"
            " the file can read it"
            ' (secret: "{{ env.SECRET }}")'
        )
    ]


def test_options_of_the_wrong_type_are_not_shown(project):
    project.edit("trueup.yaml", '"{{ env.AUTOTASK_SECRET }}"', "31337")

    assert project.messages() == ["trueup.yaml:11:11: this value is not text"]


def test_variables_are_replaced_in_each_option_and_in_the_middle_of_a_text(project):
    project.edit(
        "trueup.yaml",
        "source: {connector: files, path: work365}",
        (
            'source: {connector: sql, url: "x://{{ env.NOPE }}@host/{{ env.NOPE }}", profile: "{{'
            ' env.NOPE }}"}'
        ),
    )

    assert project.messages() == [
        "info: trueup.yaml:7:31: the environment variable NOPE is not set",
        "info: trueup.yaml:7:82: the environment variable NOPE is not set",
    ]
    project.env["NOPE"] = "v"
    assert project.load().source.options == {"url": "x://v@host/v", "profile": "v"}
