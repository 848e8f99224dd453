"""A Dataverse environment on this machine: the Web API as far as it is used here, over real HTTP, kept in SQLite.

It knows what work365.md, section 6, says of the real one, and refuses what it does not know in the real
shape. Start reading in `server`.
"""
