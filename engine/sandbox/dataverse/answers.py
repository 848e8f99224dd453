"""What goes back over the wire, in Dataverse's shapes: work365.md, 6.2 to 6.6."""

import json
from collections.abc import Mapping

from engine.sandbox.answers import Answer

_ODATA = {"OData-Version": "4.0"}
_TYPE = "application/json; odata.metadata=minimal"


class Refusal(Exception):
    """Dataverse says no, in its own code and words."""

    def __init__(self, status: int, code: str, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.code, self.words, self.headers = status, code, words, dict(headers or {})


def good(body: str, *, preferred: str = "") -> Answer:
    """200 with a JSON text."""
    headers = {**_ODATA, **({"Preference-Applied": preferred} if preferred else {})}
    return Answer(body=body.encode("utf-8", "replace"), content_type=_TYPE, headers=headers)


def document(said: object) -> Answer:
    """200 with a document."""
    return good(json.dumps(said, ensure_ascii=False))


def done(status: int, headers: Mapping[str, str]) -> Answer:
    """A write that took effect, and has nothing to say."""
    return Answer(status=status, headers={**_ODATA, **headers}, took_effect=True)


def refused(refusal: Refusal) -> Answer:
    """The error shape."""
    body = json.dumps({"error": {"code": refusal.code, "message": refusal.words}}).encode()
    return Answer(status=refusal.status, body=body, content_type=_TYPE, headers={**_ODATA, **refusal.headers})
