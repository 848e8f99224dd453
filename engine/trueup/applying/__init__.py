"""Doing what a plan says, and nothing else: check, journal, write, prove, record, settle."""
