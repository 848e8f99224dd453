"""The file of a test that is made from a row: its name, its comment, its YAML."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import yaml

_HEADER = """\
# yaml-language-server: $schema=../schemas/test.schema.json
#
# Made from a real row. Names, phones and addresses are others{stay}.
# Keep what matters, and name the test after what it shows.
"""


def header(kept: Sequence[str]) -> str:
    """Returns the comment at the head of a test; `kept` are tables whose texts are the real ones.

    A person who shares the test must see what was not replaced.
    """
    return _HEADER.format(stay=f"; the texts of {', '.join(kept)} stay" if kept else "")


def new_file(folder: Path, mapping: str) -> tuple[Path, str]:
    """A file that is not there yet, and the name of its test."""
    for number in count(1):
        suffix = f"-{number}" if number > 1 else ""
        file = folder / f"made-{mapping}{suffix}.yaml"
        if not file.exists():
            return file, f"a real {mapping}{' ' + str(number) if number > 1 else ''}"
    raise AssertionError("numbers do not end")


class _Dumper(yaml.SafeDumper):
    """Writes decimals as numbers, and the same value as often as it occurs."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    is_whole = value == value.to_integral_value()
    tag = "tag:yaml.org,2002:int" if is_whole else "tag:yaml.org,2002:float"
    return dumper.represent_scalar(tag, f"{value:.0f}" if is_whole else f"{value.normalize():f}")


def _instant(dumper: yaml.SafeDumper, value: datetime) -> yaml.ScalarNode:
    return dumper.represent_str(value.isoformat())


_Dumper.add_representer(Decimal, _decimal)
_Dumper.add_representer(datetime, _instant)


def as_yaml(document: Mapping[str, Any]) -> str:
    """Returns the test as YAML."""
    return yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=120,
        default_flow_style=None,
    )
