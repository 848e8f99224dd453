"""Work 365 tables in an SQL database, read and written through SQLAlchemy.

Start reading in `source`. `database` opens the database at an `address`, `writer` changes one row
in one transaction, `raw_rows` turns the values of database drivers into the raw values that all
connectors share.
"""
