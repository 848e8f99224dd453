"""A small project of the shipped mappings, and the sandboxes that it reads and writes."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

from trueup.operations.project_folder import shipped_folder as shipped

from tests.chaos.serving import Server
from tests.support.part_of_demo import keep_companies, keep_customers
from tests.support.seeded_databases import database as seeded

CUSTOMERS = (
    "Ashdown & Pell Veterinary Ltd",
    "Brightwater Logistics Ltd",
    "Dunmore Surveyors",
    "Alpine Dental AG",
)
SETTLE_AFTER = 0.5
"""Seconds; longer than a request to the sandbox may take, and than the delay of late writes."""

_SECRET = "DATAVERSE_SECRET"  # noqa: S105 -- the name of a variable
_DATAVERSE_SOURCE = """source:
  connector: dataverse
  url: http://127.0.0.1:{port}
  authority: http://127.0.0.1:{port}
  tenant: demo.example
  client_id: trueup-demo
  client_secret: "{{{{ env.DATAVERSE_SECRET }}}}"
  timeout: 5
  deadline: 8
"""
_PROFILE = """tables:
  subscription:
    columns:
      psa_system_id: {logical: work365_subscription_psasystem_id, holds: ContractServices}
"""
_TARGET = """target:
  connector: autotask
  url: http://127.0.0.1:{port}
  username: api@demo.example
  secret: demo
  integration_code: DEMO
  timeout: {timeout}
  deadline: 8
"""
_PRODUCT_COLUMN = "_work365_subscription_product_value"


def build(folder: Path, target_port: int, source_port: int = 0) -> None:
    """Writes a project of four customers with all their rows; its target is the sandbox at a port.

    Its source is the Dataverse sandbox at `source_port`, or files if that is 0.
    """
    example = shipped()
    for name in ("mappings", "rules", "schemas"):
        shutil.copytree(example / name, folder / name)

    text = (example / "trueup.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("target:\n")
    _, _, tail = rest.partition("\nstate:\n")
    tail = tail.replace("settle_after: 300", f"settle_after: {SETTLE_AFTER}")
    if source_port:
        source = _DATAVERSE_SOURCE.format(port=source_port)
        head = re.sub(r"source:\n(?:  .*\n)+", lambda _: source, head)
        (folder / "profile.yaml").write_text(_PROFILE, encoding="utf-8")
    target = _TARGET.format(port=target_port, timeout=SETTLE_AFTER)
    (folder / "trueup.yaml").write_text(f"{head}{target}\nstate:\n{tail}", encoding="utf-8")

    _extract(example / "examples" / "work365", folder / "examples" / "work365")


def autotask(database: Path, seed: Path | None = None) -> Server:
    """Returns an Autotask sandbox with the customers of `build`, or with a seed; it is not started.

    The database is made here, once for the same seed: to make one takes longer than to start it.
    """
    if seed:
        document = seed.read_text(encoding="utf-8")
    else:
        example = json.loads((shipped() / "examples" / "autotask.json").read_text(encoding="utf-8"))
        document = json.dumps(keep_companies(example, CUSTOMERS))
    database.write_bytes(seeded(document))
    switches = ["--switch", "hourly_delays=off", "--switch", "hourly_limit=off"]
    # A second line of a service is accepted, so that nothing but trueup prevents one.
    switches += ["--switch", "second_service_by_post=accepted"]
    return Server(database, [*switches, "--project", str(shipped())])


def dataverse(database: Path, exports: Path) -> Server:
    """Returns a Dataverse sandbox with the rows of these exports; it is not started yet."""
    os.environ[_SECRET] = "demo"
    return Server(database, ["--source", "--seed", str(exports), "--project", str(shipped())])


def _extract(exports: Path, folder: Path) -> None:
    """Copies the rows of the customers, and the products of their subscriptions."""
    shutil.copytree(exports, folder)
    keep_customers(folder, CUSTOMERS)
    subscriptions = json.loads((folder / "subscription.json").read_text(encoding="utf-8"))["value"]
    products = {row[_PRODUCT_COLUMN] for row in subscriptions}

    file = folder / "product.csv"
    header, *lines = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    key = header.index("id")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([header, *(line for line in lines if line[key] in products)])
    file.write_text(out.getvalue(), encoding="utf-8")
