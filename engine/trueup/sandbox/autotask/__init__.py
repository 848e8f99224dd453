"""The Autotask sandbox: the REST API over a SQLite database, for all entities of the catalogue.

Source of the facts: docs/explanation/autotask.md. Where Autotask's behaviour is unknown, `switches`
lists the possible ones. `tests/sandbox/autotask/conformance.md` lists the facts that are kept, with
their tests.

Start reading in `server`, then `rest_api`, which answers one request:

- `routes`, `security`, `limits`: addresses, rights, limits.
- `query`, `reader`, `pages`, `metadata`: reads.
- `write_checks`, `rules`, `actions`: writes.
- `contracts`, `ledger`, `unit_rows`, `adjustments`: services on contracts, their units and
  adjustments.
- `store`, `records`, `settings`, `tenant`: the database and the tenant's settings in it.
- `seed`, `seed_ledgers`, `dump`, `snapshots`, `clone`: data in and out.
"""
