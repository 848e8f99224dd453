"""The state in one SQLite file; `sql/` holds every statement."""
