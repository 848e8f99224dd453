"""Adapters that read and write Work 365 behind the `Source` port.

Each connector is a folder and imports no other connector: `files` (a folder of exports),
`dataverse` (the Web API) and `sql` (a database). Start reading in the `source` module of one of
them. The modules beside these folders hold what all connectors share: `profile` (a tenant's names),
`column_reader` and `rows` (raw rows become typed rows), `values` and `dates` (one value), `updates`
(which write-back is still allowed) and `overlay` (write-backs kept in memory).

Facts about Work 365 and Dataverse: docs/explanation/work365.md.
"""
