"""Use cases: what every front (command line, Python callers) calls. One module for each subject.

Each function opens what it needs, does one thing and returns typed results; none of them prints.
A front imports the modules that it uses; the public ones are in `trueup`.
"""
