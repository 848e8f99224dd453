"""The state of a project, whatever database keeps it.

Start reading in `store`. The folders `sqlite` and `postgres` are the adapters.
"""
