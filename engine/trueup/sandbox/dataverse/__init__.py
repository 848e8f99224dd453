"""A Dataverse environment on this machine, with the part of the Web API that trueup uses.

The rows are kept in SQLite. Source of the facts: docs/explanation/work365.md, section 6. Requests
that the sandbox does not support are refused with an error in Dataverse's form.

Start reading in `server`, which puts the parts together, then `web_api`, which routes the requests.
"""
