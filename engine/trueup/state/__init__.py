"""State: links, applied values, pushed logs, runs and their journal, the lock; SQLite behind ports.State.

sqlite.py is the store; start there. file.py opens a file or says why not; sql/ holds every statement.
"""
