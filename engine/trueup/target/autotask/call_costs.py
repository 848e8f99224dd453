"""Estimates what requests to Autotask cost (docs/explanation/autotask.md, sections 3 and 4)."""

from trueup.ports.target import CallCosts

COSTS = CallCosts(
    page=500,  # records of a page, and alternatives of a query
    in_flight=3,  # requests at a time per endpoint
    per_entity=2,  # fields, and user-defined fields
    fixed=3,  # zone look-up, threshold, and one retry
    between_checks=25,  # `Threshold` is asked for again after so many calls
)
