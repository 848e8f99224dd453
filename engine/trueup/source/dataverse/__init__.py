"""Work 365 in its own place: tables of a Dataverse environment, over its Web API v9.2.

Start reading in `source`. In the order of a reading: `client` sends requests (`tokens` signs them
in), `metadata` reads what a table is, `paging` and `page` read its rows, `sync` keeps them up to
date in the `cache`, `cached_tables` joins both, `columns` binds the catalogue's columns to the
environment's, `writer` changes one row. `discover` and `doctor` serve the commands of these names.

Facts: docs/explanation/work365.md, sections 5 to 8.
"""
