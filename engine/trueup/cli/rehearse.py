"""`trueup rehearse [PLAN]`: applies a plan to a copy of everything, and plans again."""

from pathlib import Path

import click

from engine import pipeline, wiring
from engine.cli.apply import who
from engine.cli.common import Here, common, example
from engine.cli.ending import Exit
from engine.cli.planned import planned
from engine.cli.progress import telling, watching
from engine.cli.show import sealed
from engine.cli.terminal import out
from engine.model import document
from engine.model.document import encode
from engine.pipeline import ApplyOptions, PlanOptions
from engine.render.json_ import as_json
from engine.render.rehearsal import rehearsal_text


@click.command(
    short_help="Apply a plan to a copy, and see.",
    epilog=example("trueup rehearse", "trueup plan --out plan.json && trueup rehearse plan.json"),
)
@click.argument("file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@common
def rehearse(here: Here, file: Path | None) -> int:
    """Apply the plan in PLAN, or a new one, to a copy of Autotask in a throw-away sandbox, and plan again.

    Reports what would have been refused, and whether a second plan is empty. Nothing is written to
    Work 365, to Autotask or to the state. Exit codes: 0 all went through and nothing is left; 1 not so.
    """
    project, said = here.checked()
    with wiring.open_copy(project) as copy:
        with telling(here) as tell:
            text = sealed(file) if file else document.dumps(planned(project, said, copy, PlanOptions(), tell))
        limits = frozenset(one.limit for one in document.loads(text).exceeded)
        with watching(here) as watch:
            outcome = pipeline.apply(project, copy, text, ApplyOptions(over=limits, who=who()), watch)
        with telling(here) as tell:
            again = planned(project, said, copy, PlanOptions(), tell)
    if here.json:
        out(as_json({"outcome": encode(outcome), "second_plan": encode(again)}))
    else:
        out(rehearsal_text(outcome, again, here.style, verbose=here.verbose))
    return Exit.DONE if outcome.complete and not again.changes else Exit.ERROR
