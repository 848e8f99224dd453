"""Autotask on this machine: the same surface over real HTTP, kept in SQLite, with faults on demand."""
