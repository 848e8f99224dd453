"""The review desk: a plan in a browser, for the person who decides.

It calls the operations that the command line calls. It keeps sessions, the latest plan, and the
runs that it started; nothing else.
"""
