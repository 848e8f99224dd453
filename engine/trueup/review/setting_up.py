"""The setup pages: connection and settings as a form, the preview of an edit, the doctor."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.finding import Finding
from trueup.model.setup import ProjectEdit, Setting, SettingKind, Setup, Steps
from trueup.operations.doctor import Examination, examine
from trueup.operations.project import load_project
from trueup.operations.setup import propose_setup, read_setup, write_setup
from trueup.render.finding_text import found_text
from trueup.render.report import ReasonText, pieces
from trueup.review.forms import Form
from trueup.review.pages import RawText, address, desk_of, failure, failure_text, form_of, page
from trueup.review.wait_page import wait

SETUP, EDIT, DOCTOR = "/setup", "/setup/edit", "/doctor"
GONE = "This edit is no longer there: open the setup again. Nothing was written."
NEW = "new"
"""The key, in the name of a field, of a new entry of a list."""


def setup(request: Request) -> Response:
    """Shows the form; Autotask's choices are read first, in a background task."""
    desk = desk_of(request)
    shown = desk.find_item(request.query_params.get("id", ""), Setup)
    if shown is None:
        return wait(desk.start("Reading the settings", SETUP, lambda: read_setup(desk.folder)))
    unread = desk.failures.text(shown.unread)
    return page(
        request,
        "setup.html",
        "Setup",
        current=desk.current,
        active="Setup",
        connection=[_field(one) for one in shown.connection],
        settings=[_field(setting) for setting in shown.settings],
        version=shown.version,
        unread=(ReasonText(pieces(unread), (), ""),) if unread else (),
    )


def _field(one: Setting) -> Mapping[str, object]:
    """Returns a setting as its part of the form needs it."""
    values = one.entries.values() if one.kind is SettingKind.LIST else [one.value]
    return {
        "id": RawText("-".join(one.steps)),
        "name": _name(one.steps),
        "label": one.label,
        "kind": str(one.kind),
        "value": one.value,
        "choices": [*dict.fromkeys([*one.choices, *filter(None, values)])] if one.choices else [],
        "entries": [(_name((*one.steps, key)), key, value) for key, value in one.entries.items()],
        "new": RawText(json.dumps([NEW, *one.steps])),
        "locked": one.locked,
        "note": one.note,
        "key": one.name,
    }


def _name(steps: Steps) -> RawText:
    return RawText(json.dumps(steps))


def propose(request: Request) -> Response:
    """Computes the edit of the form; nothing is written before the next page is confirmed."""
    desk, form = desk_of(request), form_of(request)
    try:
        values = _values(form)
        proposed = propose_setup(desk.folder, values, form.value("version"))
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    return _shown(request, proposed, desk.keep_item(proposed))


def _values(form: Form) -> Mapping[Steps, str]:
    """Returns the values of a form by their settings. Raises EngineError for an unknown field."""
    values: dict[Steps, str] = {}
    for name, given in form.fields.items():
        if not name.startswith("["):
            continue
        try:
            steps = tuple(json.loads(name))
        except (ValueError, RecursionError):
            steps = (0,)
        if not all(isinstance(step, str) for step in steps) or not steps:
            raise EngineError("this form is none of the desk. Nothing was written")
        if steps[0] == NEW:
            key, *value = (one.strip() for one in given)
            if key:
                values[*steps[1:], key] = next(iter(value), "")
        else:
            values[steps] = given[0]
    return values


def _shown(request: Request, proposed: ProjectEdit, id_: str) -> Response:
    desk = desk_of(request)
    return page(
        request,
        "setup_edit.html",
        "What changes in trueup.yaml",
        current=desk.current,
        active="Setup",
        id=id_,
        changed=proposed.changed,
        lines=[(line[:1], desk.failures.exact(line)) for line in proposed.difference[2:]],
        warnings=[desk.failures.text(warning) for warning in proposed.warnings],
    )


def edit(request: Request) -> Response:
    """Shows the edit."""
    id_ = request.query_params.get("id", "")
    proposed = desk_of(request).find_item(id_, ProjectEdit)
    if proposed is None:
        return failure_text(request, GONE, HTTPStatus.NOT_FOUND)
    return _shown(request, proposed, id_)


def write(request: Request) -> Response:
    """Writes the edit that was shown, and plans again."""
    desk = desk_of(request)
    proposed = desk.find_item(form_of(request).value("id"), ProjectEdit)
    if proposed is None:
        return failure_text(request, GONE, HTTPStatus.CONFLICT)
    try:
        write_setup(desk.folder, proposed)
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    return wait(desk.plan_again(SETUP))


def doctor(request: Request) -> Response:
    """Shows the findings of `trueup doctor`, by section of Autotask's security levels."""
    desk = desk_of(request)
    shown = desk.find_item(request.query_params.get("id", ""), Examination)
    if shown is None:
        work = desk.start(
            "Checking the connections", DOCTOR, lambda: examine(load_project(desk.folder))
        )
        return wait(work)
    of_entities = {entity for entities in shown.sections.values() for entity in entities}
    return page(
        request,
        "doctor.html",
        "Connections and rights",
        current=desk.current,
        active="Setup",
        found=found_text(shown.errors, shown.warnings),
        sections=[
            (
                name,
                [_row(request, finding) for finding in shown.findings if finding.name in entities],
            )
            for name, entities in shown.sections.items()
            if entities
        ],
        others=[
            _row(request, finding) for finding in shown.findings if finding.name not in of_entities
        ],
        back=address(SETUP),
    )


def _row(request: Request, one: Finding) -> tuple[str, str, str]:
    """Returns severity, text and remedy of a finding."""
    failures = desk_of(request).failures
    return str(one.severity), failures.text(one.text), failures.text(one.remedy)
