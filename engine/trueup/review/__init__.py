"""The review desk: the plan in a browser, for the person who decides.

It calls the operations that the command line calls, and keeps nothing but sessions, the plan that
it made last, and the runs that it started.
"""
