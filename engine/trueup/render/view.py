"""How a plan is shown: currency, names, colours, collapsed or in full."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.render.amounts import NO_MONEY, PlanMoney
from trueup.render.style import PLAIN, Style


class Sort(StrEnum):
    """By what lines are sorted."""

    MONEY = "money"  # the largest first, whatever its sign
    NAME = "name"


class GroupBy(StrEnum):
    """By what the changes of a plan are grouped."""

    CUSTOMER = "customer"
    TAB = "tab"
    SERVICE = "service"


class Arrangement(Struct, frozen=True):
    """The order of a plan's output, and which parts of it are shown."""

    sort: Sort = Sort.MONEY
    min_amount: Decimal = Decimal(0)  # lines with less money are counted, not shown
    group: GroupBy = GroupBy.CUSTOMER


ARRANGEMENT = Arrangement()


class View(Struct, frozen=True):
    """The options of all functions that render lines."""

    currency: str = ""
    names: SystemNames = UNNAMED
    style: Style = PLAIN
    verbose: bool = False
    arrangement: Arrangement = ARRANGEMENT
    money: PlanMoney = NO_MONEY
