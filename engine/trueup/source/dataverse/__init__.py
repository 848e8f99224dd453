"""Work 365 where it lives: tables of a Dataverse environment, over its Web API v9.2.

Start reading in `source`. Facts: work365.md, sections 5 to 8.
"""
