"""How one reader sees a plan: with which colours, in which currency, folded or not."""

from dataclasses import dataclass

from engine.render.style import PLAIN, Style


@dataclass(frozen=True, slots=True)
class View:
    """Handed to everything that draws lines."""

    currency: str = ""
    style: Style = PLAIN
    verbose: bool = False
