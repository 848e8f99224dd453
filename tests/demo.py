"""`make demo`: synchronizes Work 365 with Autotask on this machine, in a temporary copy.

It plans, applies, plans again (nothing is left to do), changes one line of a mapping and plans once
more. `make demo-dataverse` does the same with Work 365 in a Dataverse sandbox, and checks that its
plan equals the plan from files.
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

TRUEUP = [sys.executable, "-m", "trueup"]
SECRET = "DATAVERSE_SECRET"  # noqa: S105 -- the name of a variable
SOURCE = f"""source:
  connector: dataverse
  url: {{url}}
  authority: {{url}}   # the sandbox has its own login; leave this out for a real environment
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
    """Runs the demo; returns 0 if every command succeeds."""
    with TemporaryDirectory(prefix="trueup-demo-") as folder:
        run(Path(folder), "init", "work")
        work = Path(folder) / "work"
        if "--dataverse" in sys.argv:
            run(work, "plan", "--out", "files.json", tail=3)
            with dataverse(work):
                synchronize(work)
        else:
            synchronize(work)
    comment("This was a temporary copy. `trueup init work` makes a project to keep.")
    return 0


def synchronize(work: Path) -> None:
    """Plans, applies, plans again, changes a line, and plans."""
    run(work, "plan", "--out", "plan.json")
    if (work / "files.json").exists():
        compare(work / "files.json", work / "plan.json")
    run(work, "apply", "plan.json", "--yes")
    comment("Plan again: is anything left to do?")
    run(work, "plan", "--detailed-exitcode", tail=12)
    comment("Change one line of a mapping: every company's name in capitals.")
    change_mapping(work / "mappings" / "customer.yaml")
    run(work, "plan", tail=12)


def change_mapping(mapping: Path) -> None:
    """Changes the line that sets a company's name."""
    lines = mapping.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.lstrip().startswith("companyName:") and "source.name" in line:
            lines[number] = line.replace("source.name", "source.name | upper", 1)
            mapping.write_text("".join(lines), encoding="utf-8")
            sys.stdout.write(f"- {line.strip()}\n+ {lines[number].strip()}\n")
            return
    raise SystemExit(f"{mapping.name} does not have the companyName line that the demo changes")


@contextmanager
def dataverse(work: Path) -> Iterator[None]:
    """Serves the example data as a Dataverse, and makes it the source of the project."""
    arguments = ["sandbox", "serve", "--source", "--port", "0", "--seed", "examples/work365"]
    command = [*TRUEUP, *arguments, "--json"]
    comment(f"Work 365 in a Dataverse: trueup {' '.join(command[3:])}")
    with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, encoding="utf-8") as serving:
        try:
            if serving.stdout is None:
                raise SystemExit("the Dataverse sandbox has no output")
            url = json.loads(read_document(serving.stdout))["url"]
            set_source(work, url)
            os.environ[SECRET] = "demo"
            yield
        finally:
            serving.terminate()


def read_document(lines: Iterator[str]) -> str:
    """Returns the lines of one JSON document."""
    text = ""
    for line in lines:
        text += line
        if text.count("{") == text.count("}") > 0:
            break
    return text


def set_source(work: Path, url: str) -> None:
    """Makes the Dataverse at an address the source of the project."""
    file = work / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    source = SOURCE.format(url=url)
    text = re.sub(r"source:\n(?:  .*\n)+", lambda _: source, text, count=1)
    file.write_text(text, encoding="utf-8")
    (work / "profile.yaml").write_text(PROFILE, encoding="utf-8")


def compare(files: Path, served: Path) -> None:
    """Compares two plans, without their sources."""
    plans = [json.loads(file.read_text(encoding="utf-8")) for file in (files, served)]
    for plan in plans:
        for name in ("project", "source", "systems", "digest"):
            plan.pop(name, None)
    if plans[0] != plans[1]:
        raise SystemExit("the plan from Dataverse is not the plan from files")
    comment("The plan equals the plan from files.")


def comment(text: str) -> None:
    """Prints a comment of the demo."""
    sys.stdout.write(f"\n# {text}\n")
    sys.stdout.flush()


def run(folder: Path, *arguments: str, tail: int = 0) -> None:
    """Prints and runs one command. `tail` shows only its last lines."""
    sys.stdout.write(f"\n$ trueup {' '.join(arguments)}\n")
    sys.stdout.flush()
    done = subprocess.run(
        [*TRUEUP, *arguments],
        cwd=folder,
        check=False,
        capture_output=bool(tail),
        encoding="utf-8",
    )
    if tail:
        lines = done.stdout.splitlines()[-tail:]
        sys.stdout.write("".join(f"{line}\n" for line in lines) + done.stderr)
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
