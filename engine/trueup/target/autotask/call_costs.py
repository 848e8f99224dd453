"""Estimates what requests to Autotask cost (docs/explanation/autotask.md, sections 3 and 4)."""

from trueup.ports.target import CallCosts
from trueup.target.autotask.limits import FEWEST_BEFORE_RECHECK, PER_ENDPOINT
from trueup.target.autotask.paging import PAGE_SIZE

COSTS = CallCosts(
    page=PAGE_SIZE,  # records of a page, and alternatives of a query
    in_flight=PER_ENDPOINT,  # requests at a time per endpoint
    per_entity=2,  # fields, and user-defined fields
    fixed=3,  # zone look-up, threshold, and one retry
    between_checks=FEWEST_BEFORE_RECHECK,  # `Threshold` is asked for again after so many calls
)
