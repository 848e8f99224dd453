"""Sandboxes for Autotask and Work 365's Dataverse: servers on this machine, over real HTTP.

- `autotask`: the Autotask REST API over a SQLite database.
- `dataverse`: the Dataverse Web API with Work 365's tables.
- `http`: what both share.

Start reading in `autotask/server.py` or `dataverse/server.py`.
"""
