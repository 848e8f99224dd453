"""The command line: one module per command. `main.py` has the group of all commands.

Each command parses its arguments, calls an operation, renders the result and exits.
"""
