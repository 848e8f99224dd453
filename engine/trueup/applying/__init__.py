"""Applies a plan without decisions of its own: check, journal, write, prove, record, settle."""
