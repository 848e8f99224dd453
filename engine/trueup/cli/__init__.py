"""The command line: one file a command, each parses, calls, renders and exits. main.py holds the group."""
