"""The state in one SQLite file. Start reading in `store`; `sql/` holds every statement."""
