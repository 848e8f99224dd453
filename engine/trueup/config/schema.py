"""The JSON Schemas of a folder, the same ones that serve editors.

`Schemas.check` returns findings with places, and the document without its faulty parts. The rest
of the checks run on what is left, so that one run reports as many errors as possible.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trueup.config.checked_document import CheckedDocument
from trueup.config.documents import Document
from trueup.errors import ConfigError
from trueup.model.finding import Finding, Place, Severity


class Schemas:
    """The JSON Schemas of a folder. Each is read on first use."""

    def __init__(self, folder: Path, *, is_sound: bool = False) -> None:
        """`is_sound`: all documents are known to be valid, so that none is checked."""
        self._folder, self._is_sound = folder, is_sound
        self._schemas: dict[str, Mapping[str, Any]] = {}
        self._validators: dict[str, Any] = {}

    def check(
        self, document: Document, kind: str, *, secret_keys: Iterable[str] = ()
    ) -> CheckedDocument:
        """Checks a document against `<kind>.schema.json`.

        Misspelt keys and words are replaced by those that were likely meant. Other faulty parts are
        removed. This is repeated until what is left is valid. Values below one of `secret_keys` are
        never shown. Raises `ConfigError` if the schema cannot be read.
        """
        if self._is_sound:
            return CheckedDocument(document, document.data, (), frozenset())
        from trueup.config import schema_check  # noqa: PLC0415 -- takes time to load

        if kind not in self._validators:
            self._validators[kind] = schema_check.validator(self._schema(kind), self._read)
        return schema_check.check(document, self._validators[kind], frozenset(secret_keys))

    def properties(self, kind: str, *path: str) -> frozenset[str]:
        """Returns the names of the properties that a schema has under `path` of its JSON."""
        schema: Any = self._schema(kind)
        for step in path:
            schema = schema[step]
        return frozenset(schema["properties"])

    def _schema(self, kind: str) -> Mapping[str, Any]:
        if kind not in self._schemas:
            self._schemas[kind] = self._read(f"{kind}.schema.json")
        return self._schemas[kind]

    def _read(self, file: str) -> Any:  # noqa: ANN401 -- a JSON Schema
        try:
            return json.loads((self._folder / file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            text = f"trueup's own schema cannot be read: {type(error).__name__}"
            finding = Finding("schema", Severity.ERROR, text, "reinstall trueup", Place(file))
            raise ConfigError([finding]) from None
