"""Checks a request's body and converts it to stored values.

Checked are fields, types, lengths, picklists and references.
Source: docs/explanation/autotask.md, sections 4 and 5.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from trueup.model.catalogue import UDF, Entity, Field, Type
from trueup.sandbox.autotask import lenient_json as lenient
from trueup.sandbox.autotask import security, wire
from trueup.sandbox.autotask.names import model_name
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.wire import StoredValue
from trueup.sandbox.autotask.write_context import WriteContext
from trueup.sandbox.http.json_types import Json

_UDFS = "userdefinedfields"
_UNCERTAIN_COST = ("ContractServices", "unitCost")
_PLACE = " ; on record number [1]."
_MISSING = "Missing Required Field: "


class CheckedBody(Struct):
    """The values that a body sets, and all errors that were found in it."""

    context: WriteContext
    entity: Entity
    before: StoredRecord | None  # the record to change; None on create
    replace: bool = False  # PUT: fields that are left out become null
    values: StoredRecord = {}
    unknown: dict[str, Json] = {}  # properties that are not fields
    errors: list[str] = []

    def set_field(self, field: Field, value: Json) -> None:
        """Sets one field to a value of the body, or adds an error."""
        try:
            stored = wire.to_stored(field, value)
        except wire.ConversionError as error:
            self.errors.append(f"{error}{_PLACE}")
            return

        if self._is_hidden_cost(field):
            return  # Autotask ignores it without an error
        if not self._writable(field):
            self._check_read_only(field, stored)
            return
        patches = self.before is not None and not self.replace
        if stored is None and patches and self.context.switch("null_in_patch") == "ignored":
            return
        self.values[field.name] = self._within_length(field, stored)

    def may_set(self, field: Field) -> bool:
        """Returns whether the body may set the field and its user has the right to."""
        return self._writable(field) and not self._is_hidden_cost(field)

    def is_unset(self, stored: StoredValue) -> bool:
        """Returns whether a required field with this value is missing.

        An unset text reads as "" as often as null (docs/explanation/autotask.md, section 4).
        """
        return stored is None or (
            stored == "" and self.context.switch("empty_required") == "refused"
        )

    def add_error(self, text: str) -> None:
        """Adds an error."""
        self.errors.append(text)

    def add_missing(self, name: str) -> None:
        """Adds the error for a required field that is missing, unless another one is named."""
        if not any(error.startswith(_MISSING) for error in self.errors):
            self.errors.append(missing_field(name))

    def raise_errors(self) -> None:
        """Raises `AutotaskError` with all errors, if there are any."""
        if self.errors:
            raise AutotaskError(*self.errors)

    def _is_hidden_cost(self, field: Field) -> bool:
        return not self.context.user.level.costs and security.is_cost(self.entity, field.name)

    def _writable(self, field: Field) -> bool:
        if (self.entity.name, field.name) == _UNCERTAIN_COST and self.before is not None:
            return self.context.switch("contract_service_cost") == "writable"
        return field.writable_on_create() if self.before is None else field.writable_on_update()

    def _check_read_only(self, field: Field, stored: StoredValue) -> None:
        same = stored == (self.before or {}).get(field.name) or field.name == "id"
        if not same and self.context.switch("read_only_field") == "refused":
            self.errors.append(f"The field {field.name} is read only and cannot be set.{_PLACE}")

    def _within_length(self, field: Field, stored: StoredValue) -> StoredValue:
        limit = field.max_length
        if field.type is not Type.TEXT or limit is None or len(str(stored or "")) <= limit:
            return stored
        if self.context.switch("text_too_long") == "cut":
            return str(stored)[:limit]
        self.errors.append(
            f"The value of {field.name} exceeds the maximum length of {limit}.{_PLACE}"
        )
        return stored


def check_body(
    context: WriteContext,
    entity: Entity,
    body: Mapping[str, Json],
    before: StoredRecord | None,
    *,
    replace: bool = False,
) -> CheckedBody:
    """Checks a body, whose names are in lower case, and returns its values and errors."""
    checked = CheckedBody(context, entity, before, replace)
    if replace:
        checked.values = {
            name: None for name, field in entity.fields.items() if checked.may_set(field)
        }

    fields = context.tenant.fields_by_lower_name[entity.name]
    for name, value in body.items():
        field = fields.get(name)
        if name == _UDFS and entity.udf_capable != "no":
            _set_udfs(checked, value)
        elif field is not None and not field.name.startswith(UDF):
            checked.set_field(field, value)
        else:
            _add_unknown(checked, name, value)

    for name, stored in checked.values.items():
        _check_value(checked, entity.fields[name], stored)
    return checked


def check_required(checked: CheckedBody, names: Iterable[str]) -> None:
    """Adds an error for the first of these fields that is required and missing.

    Autotask names one missing field at a time.
    """
    for name in names:
        field = checked.entity.fields[name]
        required = field.required and name != "id" and field.writable_on_create()
        if required and checked.is_unset(checked.values.get(name)):
            checked.add_missing(name)


def check_parent(checked: CheckedBody, key: str, parent: int) -> None:
    """Adds an error for a parent that is missing or inactive, unless the body has it already."""
    field = checked.entity.fields[key]
    if bad_reference(field) not in checked.errors:
        _check_reference(checked, field, parent)


def bad_reference(field: Field) -> str:
    """Returns the error for a reference to a record that is missing or inactive."""
    where = f"field: {field.name} of type: {model_name(field.reference or '')}"
    return f"Reference value on {where} does not exist or is invalid.{_PLACE}"


def missing_field(name: str) -> str:
    """Returns the error for a required field that is missing."""
    return f"{_MISSING}{name}.{_PLACE}"


def _add_unknown(checked: CheckedBody, name: str, value: Json) -> None:
    checked.unknown[name] = value
    if checked.context.switch("unknown_property") == "refused" and name != _UDFS:
        checked.add_error(_not_found(checked, name))


def _not_found(checked: CheckedBody, name: object) -> str:
    return f"Unable to find {name} in the {model_name(checked.entity.name)} Entity."


def _set_udfs(checked: CheckedBody, value: Json) -> None:
    """Sets the user-defined fields of `[{"name": …, "value": …}]`; others keep their values."""
    if value is not None and not isinstance(value, list):
        raise AutotaskError("userDefinedFields must be a list.")
    fields = checked.context.tenant.fields_by_lower_name[checked.entity.name]
    for element in value or ():
        udf = lenient.mapping(element, "A user-defined field")
        name = udf.get("name")
        field = fields.get((UDF + str(name)).lower())
        if field is None:
            checked.add_error(_not_found(checked, name))
        else:
            checked.set_field(field, udf.get("value"))


def _check_value(checked: CheckedBody, field: Field, stored: StoredValue) -> None:
    if field.required and checked.is_unset(stored):
        checked.add_missing(field.name)
    if stored is None:
        return
    if field.picklist is not None:
        _check_picklist(checked, field, stored)
    if field.reference is not None:
        _check_reference(checked, field, stored)


def _check_picklist(checked: CheckedBody, field: Field, stored: StoredValue) -> None:
    """The tenant has the values that its metadata shows, also where the catalogue has a part.

    A picklist of which nothing is known accepts any value.
    """
    picks = field.picklist or ()
    if picks and not any(str(pick.value) == str(stored) and pick.active for pick in picks):
        checked.add_error(f"Picklist value [{stored}] does not exist for {field.name}.{_PLACE}")


def _check_reference(checked: CheckedBody, field: Field, stored: StoredValue) -> None:
    """Autotask has one text for a record that is missing and for one that is inactive."""
    entity = field.reference or ""
    if entity not in checked.context.tenant.entities:
        return  # the sandbox does not have this entity
    record = checked.context.record(entity, stored)
    if record is None or record.get("isActive") == 0:
        checked.add_error(bad_reference(field))
