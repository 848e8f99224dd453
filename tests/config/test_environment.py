"""Secrets come from the environment, reach the options, and nothing else."""


def test_variables_reach_the_options_also_inside_text(project):
    project.edit("trueup.yaml", "api@small.example", '"{{ env.USER_NAME }}@{{env.HOST}}"')
    project.env.update(USER_NAME="api", HOST="small.example")

    options = project.load().target.options

    assert options["integration_code"] == "code"
    assert options["username"] == "api@small.example"


def test_a_value_of_the_environment_is_never_evaluated_again(project):
    project.env["AUTOTASK_CODE"] = "{{ env.AUTOTASK_SECRET }}"

    assert project.load().target.options["integration_code"] == "{{ env.AUTOTASK_SECRET }}"


def test_no_secret_is_in_the_representation_of_a_project(project):
    assert "hunter2" not in repr(project.load())


def test_a_missing_or_empty_variable_is_named_without_any_value(project):
    project.env.update(AUTOTASK_SECRET="", OTHER="hunter2")
    del project.env["AUTOTASK_CODE"]

    assert project.says() == [
        "trueup.yaml:11:11: the environment variable AUTOTASK_SECRET is not set (export AUTOTASK_SECRET=…)",
        "trueup.yaml:12:21: the environment variable AUTOTASK_CODE is not set (export AUTOTASK_CODE=…)",
    ]


def test_a_secret_in_the_file_is_warned_of_and_not_shown(project):
    project.edit("trueup.yaml", "{{ env.AUTOTASK_SECRET }}", "hunter2")

    assert project.says() == [
        (
            "warning: trueup.yaml:11:11: secret stands in the file, where everybody who has the file can read it"
            ' (secret: "{{ env.SECRET }}")'
        )
    ]


def test_options_of_the_wrong_type_are_not_shown(project):
    project.edit("trueup.yaml", '"{{ env.AUTOTASK_SECRET }}"', "31337")

    assert project.says() == ["trueup.yaml:11:11: this value is not text"]


def test_variables_are_found_in_each_option_and_in_the_middle_of_a_text(project):
    project.edit(
        "trueup.yaml",
        "source: {connector: files, path: work365}",
        'source: {connector: sql, url: "x://{{ env.NOPE }}@host/{{ env.NOPE }}", profile: "{{ env.NOPE }}"}',
    )

    assert project.says() == [
        "trueup.yaml:7:31: the environment variable NOPE is not set (export NOPE=…)",
        "trueup.yaml:7:82: the environment variable NOPE is not set (export NOPE=…)",
    ]
    project.env["NOPE"] = "v"
    assert project.load().source.options == {"url": "x://v@host/v", "profile": "v"}
