"""The command line: one file per command. Each parses, calls an operation, renders and exits.

`main.py` holds the group.
"""
