"""The client side of the Autotask PSA REST API. Start reading in `gateway`.

`gateway` implements the `Target` port with `query`, `paging`, `writes` and `wire` (what to send and
how to read it) and `metadata` (what the tenant has). Every request goes through `client`: it knows
the zone and the hourly threshold, `sender` repeats a request until its outcome is known, and
`transport` is the only module that uses HTTP.

Facts: docs/explanation/autotask.md.
"""
