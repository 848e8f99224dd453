"""Microsoft's SDK for Python (PowerPlatform-Dataverse-Client), unmodified.

`python python_sdk.py <url> <token> <needed>` calls a Dataverse sandbox over HTTPS. Each call checks
its result. What changes tables passes if it is refused with 403, as the real service refuses a user
who is no customiser.
"""

import sys
import warnings
from collections.abc import Callable

import pandas as pd
from azure.core.credentials import AccessToken
from calls import Calls
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.config import DataverseConfig
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

EXPIRES = 4_000_000_000
MISSING_KEY = "00000000-0000-4000-8000-00000000dead"


class FixedToken:
    """A credential with a token that the sandbox issued."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self._token, EXPIRES)


def refused(status: int, call: Callable[[], object]) -> None:
    """Checks that a call is refused with a status."""
    found = None
    try:
        call()
    except HttpError as error:
        found = error.status_code
    assert found == status, f"status {found}, not {status}"


class Trial:
    """The calls, in an order in which each finds what the ones before it made."""

    def __init__(self, client: DataverseClient) -> None:
        self.client = client
        self.ids: list[str] = []
        self.contact = ""

    # Rows

    def create_one(self) -> None:
        self.ids.append(
            self.client.records.create("account", {"name": "Alpha", "accountnumber": "A-1"})
        )
        assert self.client.records.retrieve("account", self.ids[0])["name"] == "Alpha"

    def create_many(self) -> None:
        rows = [{"name": f"Beta {number}", "telephone1": "1"} for number in range(4)]
        self.ids += self.client.records.create("account", rows)
        assert len(set(self.ids)) == 5

    def create_with_reference(self) -> None:
        bound = {"parentcustomerid_account@odata.bind": f"/accounts({self.ids[0]})"}
        self.contact = self.client.records.create("contact", {"lastname": "Lane", **bound})
        contact = self.client.records.retrieve("contact", self.contact)
        assert contact["_parentcustomerid_value"] == self.ids[0]

    def retrieve_select_expand(self) -> None:
        row = self.client.records.retrieve(
            "contact",
            self.contact,
            select=["lastname"],
            expand=["parentcustomerid_account($select=name)"],
        )
        assert row["parentcustomerid_account"]["name"] == "Alpha"
        assert "firstname" not in row

    def retrieve_missing(self) -> None:
        assert self.client.records.retrieve("account", MISSING_KEY) is None

    def list_filter(self) -> None:
        rows = self.client.records.list("account", filter="startswith(name,'beta')")
        assert len(rows) == 4

    def list_orderby_top(self) -> None:
        rows = self.client.records.list(
            "account", filter=col("name").startswith("Beta"), orderby=["name desc"], top=2
        )
        assert [row["name"] for row in rows] == ["Beta 3", "Beta 2"]

    def list_pages(self) -> None:
        pages = list(
            self.client.records.list_pages(
                "account", filter="startswith(name,'Beta')", orderby=["name"], page_size=3
            )
        )
        assert [len(page) for page in pages] == [3, 1]

    def list_annotations(self) -> None:
        rows = self.client.records.list("account", top=1, include_annotations="*")
        label = "statecode@OData.Community.Display.V1.FormattedValue"
        assert next(iter(rows))[label] == "Active"

    def update_one(self) -> None:
        self.client.records.update("account", self.ids[0], {"telephone1": "555"})
        assert self.client.records.retrieve("account", self.ids[0])["telephone1"] == "555"

    def update_many(self) -> None:
        self.client.records.update("account", self.ids[1:3], {"telephone1": "7"})
        self.client.records.update("account", self.ids[1:2], [{"telephone1": "8"}])
        rows = self.client.records.list("account", filter="telephone1 eq '7'")
        assert [row["accountid"] for row in rows] == [self.ids[2]]

    def update_missing(self) -> None:
        refused(404, lambda: self.client.records.update("account", MISSING_KEY, {"name": "x"}))

    def upsert_one(self) -> None:
        for name in ("Gamma", "Gamma again"):
            item = UpsertItem({"accountnumber": "G-1"}, {"name": name})
            self.client.records.upsert("account", [item])
        rows = self.client.records.list("account", filter="accountnumber eq 'G-1'")
        assert [row["name"] for row in rows] == ["Gamma again"]

    def upsert_many(self) -> None:
        items = [UpsertItem({"accountnumber": f"G-{n}"}, {"name": f"G{n}"}) for n in (1, 2)]
        self.client.records.upsert("account", items)
        rows = self.client.records.list("account", filter="startswith(accountnumber,'G-')")
        assert sorted(row["name"] for row in rows) == ["G1", "G2"]

    def choice_by_label(self) -> None:
        key = self.client.records.create(
            "product", {"name": "Seat", "productstructure": "Product", "price": 12.5}
        )
        row = self.client.records.retrieve("product", key)
        assert (row["productstructure"], row["price"]) == (1, 12.5)

    def delete_one(self) -> None:
        self.client.records.delete("account", self.ids.pop())
        assert len(self.client.records.list("account", filter="startswith(name,'Beta')")) == 3

    def delete_many(self) -> None:
        gone = [self.ids.pop(), self.ids.pop()]
        assert self.client.records.delete("account", gone)
        assert len(self.client.records.list("account", filter="startswith(name,'Beta')")) == 1

    # Queries

    def builder(self) -> None:
        query = self.client.query.builder("account").select("name", "accountnumber")
        found = query.where((col("name") == "alpha") & ~(col("accountnumber") == "A-2")).execute()
        assert [row["accountnumber"] for row in found] == ["A-1"]

    def builder_in_between(self) -> None:
        query = self.client.query.builder("account").select("name")
        where = col("accountnumber").in_(["A-1", "G-1"]) | col("name").is_null()
        found = query.where(where).order_by("name", descending=True).execute()
        assert [row["name"] for row in found] == ["G1", "Alpha"]

    def builder_pages_count(self) -> None:
        query = self.client.query.builder("account").select("name").count().page_size(2)
        pages = list(query.where(col("name").is_not_null()).order_by("name").execute_pages())
        assert [len(page) for page in pages] == [2, 2]

    def builder_expand_formatted(self) -> None:
        query = self.client.query.builder("contact").select("lastname", "statecode")
        found = query.expand("parentcustomerid_account").include_formatted_values().execute()
        row = next(one for one in found if one["contactid"] == self.contact)
        assert row["parentcustomerid_account"]["accountnumber"] == "A-1"
        assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"

    def fetch_xml(self) -> None:
        rows = self.client.query.fetchxml(
            "<fetch><entity name='account'><attribute name='name'/><filter type='or'>"
            "<condition attribute='accountnumber' operator='in'><value>A-1</value>"
            "<value>G-2</value></condition><condition attribute='name' operator='like'"
            " value='%nothing%'/></filter><order attribute='name'/></entity></fetch>"
        ).execute()
        assert [row["name"] for row in rows] == ["Alpha", "G2"]

    def fetch_xml_pages(self) -> None:
        pages = self.client.query.fetchxml(
            "<fetch count='2'><entity name='account'><attribute name='name'/>"
            "<order attribute='name'/></entity></fetch>"
        ).execute_pages()
        names = [row["name"] for page in pages for row in page]
        assert len(names) == len(set(names)) == 4

    def sql(self) -> None:
        rows = self.client.query.sql(
            "SELECT TOP 2 name FROM account WHERE accountnumber = 'A-1' ORDER BY name"
        )
        assert [row["name"] for row in rows] == ["Alpha"]

    # Metadata

    def table(self) -> None:
        info = self.client.tables.get("Account")
        assert info["entity_set_name"] == "accounts"
        assert self.client.tables.get("nothing") is None

    def tables(self) -> None:
        names = {one["LogicalName"] for one in self.client.tables.list()}
        assert {"account", "contact", "work365_subscription"} <= names
        chosen = self.client.tables.list(filter="SchemaName eq 'account'", select=["LogicalName"])
        assert [one["LogicalName"] for one in chosen] == ["account"]

    def columns(self) -> None:
        columns = self.client.tables.list_columns("account", filter="AttributeType eq 'Lookup'")
        assert {"primarycontactid", "parentaccountid"} <= {c["LogicalName"] for c in columns}

    def columns_typed(self) -> None:
        columns = self.client.tables.list_columns("account", typed=True)
        name = next(column for column in columns if column["LogicalName"] == "name")
        assert name["MaxLength"] > 0

    def column(self) -> None:
        found = self.client.tables.get_column("account", "Name", select=["AttributeType"])
        assert found["AttributeType"] == "String"
        assert self.client.tables.get_column("account", "nothing") is None

    def sql_columns(self) -> None:
        columns = self.client.query.sql_columns("account")
        assert columns[0]["name"] == "accountid"
        assert columns[0]["is_pk"]

    def expands(self) -> None:
        found = self.client.query.odata_expands("contact")
        names = {one["nav_property"]: one["target_entity_set"] for one in found}
        assert names["parentcustomerid_account"] == "accounts"

    def relationships(self) -> None:
        found = self.client.tables.list_relationships(
            filter="SchemaName eq 'contact_customer_accounts'"
        )
        assert [one["ReferencedEntity"] for one in found] == ["account"]

    def alternate_keys(self) -> None:
        keys = self.client.tables.get_alternate_keys("account")
        assert [key.key_attributes for key in keys] == [["accountnumber"]]

    def alternate_key_of_its_own(self) -> None:
        made = self.client.tables.create_alternate_key(
            "contact", "new_ContactMail", ["emailaddress1"]
        )
        item = UpsertItem({"emailaddress1": "a@b.example"}, {"lastname": "Mail"})
        for _ in range(2):
            self.client.records.upsert("contact", [item])
        assert len(self.client.records.list("contact", filter="lastname eq 'Mail'")) == 1
        self.client.tables.delete_alternate_key("contact", made.metadata_id)
        assert self.client.tables.get_alternate_keys("contact") == []

    # Many at once

    def batch(self) -> None:
        batch = self.client.batch.new()
        batch.records.create("account", {"name": "Delta"})
        batch.records.list("account", filter="accountnumber eq 'A-1'", select=["name"])
        batch.records.retrieve("account", self.ids[0], select=["name"])
        batch.tables.get("account")
        result = batch.execute()
        assert [one.status_code for one in result.responses] == [204, 200, 200, 200]
        assert result.responses[1].data["value"][0]["name"] == "Alpha"

    def change_set(self) -> None:
        batch = self.client.batch.new()
        with batch.changeset() as changes:
            parent = changes.records.create("account", {"name": "Epsilon"})
            changes.records.create(
                "contact", {"lastname": "Eps", "parentcustomerid_account@odata.bind": parent}
            )
            changes.records.update("account", parent, {"telephone1": "9"})
        assert not batch.execute().has_errors
        row = next(iter(self.client.records.list("account", filter="name eq 'Epsilon'")))
        assert row["telephone1"] == "9"

    def change_set_refused(self) -> None:
        batch = self.client.batch.new()
        with batch.changeset() as changes:
            changes.records.create("account", {"name": "Zeta"})
            changes.records.update("account", MISSING_KEY, {"name": "x"})
        assert batch.execute().has_errors
        assert len(self.client.records.list("account", filter="name eq 'Zeta'")) == 0

    def data_frame(self) -> None:
        frame = pd.DataFrame([{"name": "Frame 1"}, {"name": "Frame 2"}])
        keys = self.client.dataframe.create("account", frame)
        found = self.client.query.builder("account").select("name")
        rows = found.where(col("name").contains("frame")).to_dataframe()
        assert len(keys) == len(rows) == 2

    # What only a customiser may do

    def create_table(self) -> None:
        refused(403, lambda: self.client.tables.create("new_Thing", {"new_Name": "string"}))

    def add_columns(self) -> None:
        refused(403, lambda: self.client.tables.add_columns("account", {"new_X": "string"}))


CALLS = (
    Trial.create_one,
    Trial.create_many,
    Trial.create_with_reference,
    Trial.retrieve_select_expand,
    Trial.retrieve_missing,
    Trial.list_filter,
    Trial.list_orderby_top,
    Trial.list_pages,
    Trial.list_annotations,
    Trial.update_one,
    Trial.update_many,
    Trial.update_missing,
    Trial.upsert_one,
    Trial.upsert_many,
    Trial.choice_by_label,
    Trial.delete_one,
    Trial.delete_many,
    Trial.builder,
    Trial.builder_in_between,
    Trial.builder_pages_count,
    Trial.builder_expand_formatted,
    Trial.fetch_xml,
    Trial.fetch_xml_pages,
    Trial.sql,
    Trial.table,
    Trial.tables,
    Trial.columns,
    Trial.columns_typed,
    Trial.column,
    Trial.sql_columns,
    Trial.expands,
    Trial.relationships,
    Trial.alternate_keys,
    Trial.alternate_key_of_its_own,
    Trial.batch,
    Trial.change_set,
    Trial.change_set_refused,
    Trial.data_frame,
    Trial.create_table,
    Trial.add_columns,
)


def main() -> None:
    url, token, needed = sys.argv[1:]
    warnings.simplefilter("ignore")
    config = DataverseConfig(http_retries=1)
    with DataverseClient(url, FixedToken(token), config) as client:
        trial, calls = Trial(client), Calls("PowerPlatform-Dataverse-Client")
        for call in CALLS:
            calls.attempt(call.__name__, lambda call=call: call(trial))
        calls.finish(int(needed))


if __name__ == "__main__":
    main()
