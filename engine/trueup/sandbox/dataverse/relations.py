"""Navigation properties: how a reference is named from its own table and from the other one.

From its own table a reference has the name of its column; one that may refer to several tables has
a name for each of them. From the other table, standard references have Dataverse's names, and
others the name of their relationship: `<target>_<table>_<column>`.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from trueup.sandbox.dataverse.schema import Attribute, TableDefinition, row_id

_SEVERAL_TARGETS = ("parentcustomerid", "customerid", "ownerid")
"""Columns whose navigation properties carry the name of the table, also if there is only one."""

_STANDARD_NAMES = {
    ("contact", "parentcustomerid"): "contact_customer_accounts",
    ("account", "primarycontactid"): "account_primary_contact",
    ("account", "parentaccountid"): "account_parent_account",
}

Definitions = Mapping[str, TableDefinition]


class Relation(Struct, frozen=True):
    """A reference from a column of one table (the referencing one) to rows of another."""

    referencing: TableDefinition
    attribute: Attribute
    referenced: TableDefinition

    @property
    def name(self) -> str:
        """The relationship's SchemaName, and its name from the referenced table."""
        standard = _STANDARD_NAMES.get((self.referencing.logical, self.attribute.logical))
        own = f"{self.referenced.logical}_{self.referencing.logical}_{self.attribute.logical}"
        return standard or own

    @property
    def navigation(self) -> str:
        """The name from the referencing table."""
        logical = self.attribute.logical
        several = len(self.attribute.targets) > 1 or logical in _SEVERAL_TARGETS
        return f"{logical}_{self.referenced.logical}" if several else logical

    @property
    def cascades(self) -> bool:
        """Whether referring rows are deleted with the row; the others lose their reference."""
        return self.name == "contact_customer_accounts"

    @property
    def id(self) -> str:
        """The relationship's MetadataId."""
        return row_id("relationship", self.name)


def relations(definitions: Definitions) -> Iterator[Relation]:
    """Yields all references between the tables of an environment."""
    for table in definitions.values():
        yield from references(definitions, table)


def references(definitions: Definitions, table: TableDefinition) -> Iterator[Relation]:
    """Yields the references of one table to others."""
    for attribute in table.attributes.values():
        for target in attribute.targets:
            if target in definitions:
                yield Relation(table, attribute, definitions[target])


def single(definitions: Definitions, table: TableDefinition, name: str) -> Relation | None:
    """Returns the reference with this navigation property, or None."""
    found = references(definitions, table)
    return next((relation for relation in found if relation.navigation == name), None)


def collection(definitions: Definitions, table: TableDefinition, name: str) -> Relation | None:
    """Returns the reference to this table whose referencing rows have this name, or None."""
    found = relations(definitions)
    return next((one for one in found if one.referenced is table and one.name == name), None)
