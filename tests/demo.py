"""`make demo`: Work 365 becomes Autotask on this machine, on a copy, and nothing is left behind.

Plans, applies, plans again (nothing left to do), then changes one line of a mapping and plans once more.
`make demo-dataverse` does the same with Work 365 read from and written to a Dataverse on this machine, and
shows that its plan is the one that the files give.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

TRUEUP = [sys.executable, "-m", "engine"]
SECRET = "DATAVERSE_SECRET"  # noqa: S105 -- the name of a variable
SOURCE = f"""source:
  connector: dataverse
  url: {{url}}
  authority: {{url}}   # the stand-in is its own log-in; leave it out for a real environment
  tenant: demo.example
  client_id: trueup-demo
  client_secret: "{{{{{{{{ env.{SECRET} }}}}}}}}"
"""
PROFILE = """tables:
  subscription:
    columns:
      psa_system_id: {logical: work365_subscription_psasystem_id, holds: ContractServices}
"""


def main() -> int:
    """Runs the demo; 0 when each command did what it should."""
    with TemporaryDirectory(prefix="trueup-demo-") as folder:
        run(Path(folder), "init", "work")
        work = Path(folder) / "work"
        if "--dataverse" in sys.argv:
            run(work, "plan", "--out", "files.json", only_end=3)
            with dataverse(work):
                story(work)
        else:
            story(work)
    say("That was a copy: nothing of it is left. `trueup init work` makes one to keep.")
    return 0


def story(work: Path) -> None:
    """Plan, apply, plan again, change a line, plan."""
    run(work, "plan", "--out", "plan.json")
    if (work / "files.json").exists():
        compare(work / "files.json", work / "plan.json")
    run(work, "apply", "plan.json", "--yes")
    say("Again: is anything left to do?")
    run(work, "plan", "--detailed-exitcode", only_end=12)
    say("One line of a mapping, changed: every company's name in capitals.")
    shout(work / "mappings" / "customer.yaml")
    run(work, "plan", only_end=12)


def shout(mapping: Path) -> None:
    """Changes the one line by which a company gets its name."""
    lines = mapping.read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.lstrip().startswith("companyName:"))
    before = lines[place]
    lines[place] = before.replace("source.name", "source.name | upper", 1)
    if lines[place] == before:
        raise SystemExit(f"{mapping.name} has no companyName line as the demo expects it")
    mapping.write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"- {before.strip()}\n+ {lines[place].strip()}\n")


@contextmanager
def dataverse(work: Path) -> Iterator[None]:
    """Serves the example data as a Dataverse, and points the project at it."""
    command = [*TRUEUP, "sandbox", "serve", "--source", "--port", "0", "--seed", "examples/work365", "--json"]
    say(f"Work 365 in a Dataverse: trueup {' '.join(command[3:])}")
    with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True) as serving:
        try:
            if serving.stdout is None:
                raise SystemExit("the Dataverse says nothing")
            url = json.loads(until_closed(serving.stdout))["url"]
            point(work, url)
            os.environ[SECRET] = "demo"
            yield
        finally:
            serving.terminate()


def until_closed(lines: Iterator[str]) -> str:
    """The lines of one JSON document."""
    said = ""
    for line in lines:
        said += line
        if line.rstrip() == "}" or said.count("{") == said.count("}") > 0:
            break
    return said


def point(work: Path, url: str) -> None:
    """The project reads Work 365 from that address from now on."""
    file = work / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"source:\n(?:  .*\n)+", lambda _: SOURCE.format(url=url), text, count=1), encoding="utf-8")
    (work / "profile.yaml").write_text(PROFILE, encoding="utf-8")


def compare(files: Path, served: Path) -> None:
    """Both plans, but for where they come from."""
    plans = [json.loads(file.read_text(encoding="utf-8")) for file in (files, served)]
    for plan in plans:
        for name in ("project", "source", "systems", "digest"):
            plan.pop(name, None)
    if plans[0] != plans[1]:
        raise SystemExit("the plan from Dataverse is not the plan from files")
    say("The same plan as from files.")


def say(text: str) -> None:
    """A line of the demo's own."""
    sys.stdout.write(f"\n# {text}\n")
    sys.stdout.flush()


def run(folder: Path, *arguments: str, only_end: int = 0) -> None:
    """One command, shown as a user would type it; `only_end` shows its last lines."""
    sys.stdout.write(f"\n$ trueup {' '.join(arguments)}\n")
    sys.stdout.flush()
    done = subprocess.run([*TRUEUP, *arguments], cwd=folder, check=False, capture_output=bool(only_end), text=True)
    if only_end:
        sys.stdout.write("".join(f"{line}\n" for line in done.stdout.splitlines()[-only_end:]) + done.stderr)
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
