"""Writes an example fleet: three tenants that share the example's project."""

import shutil
from pathlib import Path

from trueup.config.file_names import FLEET, PROJECT
from trueup.errors import EngineError
from trueup.operations.new_project import IGNORED
from trueup.operations.project_folder import create_project

BASE = "base"
"""The folder of the project that the tenants share."""

EXPORTS = "exports"
"""The folder with the exports of each tenant: what is applied is marked in them."""

_EXAMPLE = Path("examples", "work365")


def create_fleet(folder: Path) -> list[str]:
    """Writes fleet.yaml and the project; returns what was created.

    Each tenant has a sandbox of its own, with the example's records, and a copy of the example's
    exports on a day of its own. Raises EngineError, with nothing written, if a part exists already.
    """
    existing = [str(folder / name) for name in (FLEET, BASE, EXPORTS) if (folder / name).exists()]
    if existing:
        raise EngineError(
            f"{', '.join(existing)} exists already: choose another folder, or move it away"
        )
    create_project(folder / BASE)
    project = folder / BASE / PROJECT
    text = project.read_text(encoding="utf-8")
    project.write_text(_without_state(text), encoding="utf-8", newline="\n")
    (folder / FLEET).write_text(_FLEET, encoding="utf-8", newline="\n")
    for name in ("acme", "birch", "cedar"):
        shutil.copytree(folder / BASE / _EXAMPLE, folder / EXPORTS / name)
    created = [folder / FLEET, folder / BASE, folder / EXPORTS]
    if not (folder / IGNORED).exists():
        (folder / IGNORED).write_text(_IGNORED, encoding="utf-8", newline="\n")
        created.append(folder / IGNORED)
    return [str(one) for one in created]


def _without_state(text: str) -> str:
    """Returns trueup.yaml without `state`: the state of a tenant is in the fleet's database."""
    start = text.index("\nstate:\n")
    return text[:start] + text[text.index("\n\n", start + 1) + 1 :]


_FLEET = """\
# yaml-language-server: $schema=base/schemas/fleet.schema.json
#
# Three tenants that share the mappings and rules in base/. Each has a copy of the example's
# exports, a sandbox for the system that bills, and a day of its own. `trueup validate` checks it.
fleet: Northgate IT, all tenants
database: embedded   # PostgreSQL of this machine; else "{{ env.FLEET_DATABASE }}", an address

defaults:
  project: base
  schedule: {cron: "*/15 * * * *", time_zone: Europe/London}
  run: {do: plan}
  time_limit: 600   # seconds

tenants:
  acme:   # is planned only
    set: {project: Acme, as_of: 2026-11-15, source: {path: exports/acme}}
  birch:   # is applied where its plan is within these limits; otherwise the plan waits for a yes
    set: {project: Birch, as_of: 2026-11-30, source: {path: exports/birch}}
    schedule: {time_zone: Europe/Zurich}
    run: {do: apply, within: {changes: 200, monthly_effect: 5000, one_off_effect: 5000}}
  cedar:   # every plan waits for a yes, and is written at night or at the weekend
    set: {project: Cedar, as_of: 2026-12-15, source: {path: exports/cedar}}
    run: {do: apply-approved}
    window: {from: "18:00", until: "07:00"}
"""

_IGNORED = """\
# The database, and what tenants keep: sandboxes, caches. Decisions and notes are worth a commit.
.trueup/
.env
plan.json
*.plan.json
"""
