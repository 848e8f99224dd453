"""Use cases: the functions that the command line, the desk and Python callers share.

One module for each subject. Each function opens what it needs, does one thing and returns typed
results; none of them prints. The public functions are also in `trueup`.
"""
