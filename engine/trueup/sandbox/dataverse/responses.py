"""Responses in Dataverse's forms. Source: docs/explanation/work365.md, sections 6.2 to 6.6."""

import json
from collections.abc import Mapping

from trueup.sandbox.http.responses import Response

_ODATA = {"OData-Version": "4.0"}
_TYPE = "application/json; odata.metadata=minimal"


class DataverseError(Exception):
    """Dataverse refuses a request: an HTTP status, an error code (`0x…` or empty), a message."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def from_json(
    body: str, *, preferred: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Returns 200 with a JSON text; `preferred` are the preferences that were applied."""
    applied = {"Preference-Applied": preferred} if preferred else {}
    return Response(
        body=body.encode("utf-8", "replace"),
        content_type=_TYPE,
        headers={**_ODATA, **applied, **(headers or {})},
    )


def from_document(document: object) -> Response:
    """Returns 200 with a JSON document."""
    return from_json(json.dumps(document, ensure_ascii=False))


def no_content(headers: Mapping[str, str]) -> Response:
    """Returns 204 for a write that took effect."""
    return Response(status=204, headers={**_ODATA, **headers}, took_effect=True)


def not_modified(tag: str) -> Response:
    """Returns 304: the client has the current row."""
    return Response(status=304, headers={**_ODATA, "ETag": tag})


def error_response(error: DataverseError) -> Response:
    """Returns the response for an error."""
    body = json.dumps({"error": {"code": error.code, "message": error.message}}).encode()
    headers = {**_ODATA, **error.headers}
    return Response(status=error.status, body=body, content_type=_TYPE, headers=headers)


def unknown_property(name: str, owner: str) -> DataverseError:
    """Returns the error for a name that `owner` does not have."""
    return DataverseError(
        400, "0x80060888", f"Could not find a property named '{name}' on {owner}."
    )


def unknown_segment(name: str) -> DataverseError:
    """Returns the error for a path that leads nowhere."""
    return DataverseError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def method_not_allowed() -> DataverseError:
    """Returns the error for a verb that the resource does not have."""
    return DataverseError(
        405, "0x8006088a", "The requested resource does not support this http method."
    )


def unsupported(message: str) -> DataverseError:
    """Returns the error for a query that is wrong or not supported."""
    return DataverseError(400, "0x80060888", message)
