"""Web addresses of records in their system.

Dynamics opens a row at `main.aspx` of its environment, by table and id
(docs/explanation/work365.md, section 6.1). Autotask's web address depends on the tenant's zone,
which no configuration names, so its records have no link.
"""

import re
from urllib.parse import urlencode, urlsplit

from trueup import wiring
from trueup.model.project import Project

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_API = re.compile(r"^([^.]+)\.api\.")


def source_address(project: Project, table: str, key: str) -> str:
    """Returns the web address of a source row; "" if it is unknown.

    Raises ConfigError for a profile that cannot be read.
    """
    connection = project.source
    if connection.connector != "dataverse" or not _ID.fullmatch(key):
        return ""
    parts = urlsplit(str(connection.options.get("url", "")))
    host = _API.sub(r"\1.", parts.netloc)
    if parts.scheme != "https" or not host or parts.username or parts.password:
        return ""
    with wiring.connections(project) as opened:
        name = opened.sources.tables()[table].logical
    query = urlencode({"etn": name, "id": key, "pagetype": "entityrecord"})
    return f"https://{host}/main.aspx?{query}"
