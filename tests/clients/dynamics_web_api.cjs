// dynamics-web-api from npm, unmodified: `node dynamics_web_api.cjs <url> <token> <needed>`.
//
// Each call checks its result. What only a customiser may do must be refused with 403, as the real
// service refuses it.

"use strict";
const assert = require("node:assert/strict");
const { DynamicsWebApi } = require("dynamics-web-api");
const { Calls, refused } = require("./calls.cjs");

const [url, token, needed] = process.argv.slice(2);
const MISSING = "00000000-0000-4000-8000-00000000dead";
const FORMATTED = "OData.Community.Display.V1.FormattedValue";
const FETCH =
  "<fetch><entity name='account'><attribute name='name'/>" +
  "<filter><condition attribute='name' operator='like' value='B%'/></filter>" +
  "<order attribute='name'/></entity></fetch>";

const api = new DynamicsWebApi({
  serverUrl: url,
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => token,
});
const names = (response) => response.value.map((row) => row.name);
const keys = {};

const CALLS = {
  "create": async () => {
    keys.a = await api.create({ collection: "accounts", data: { name: "A", accountnumber: "1" } });
    assert.match(keys.a, /^[0-9a-f-]{36}$/);
  },
  "create, with the row": async () => {
    const row = await api.create({
      collection: "accounts",
      data: { name: "B1", telephone1: "7" },
      returnRepresentation: true,
      select: ["name"],
    });
    keys.b = row.accountid;
    assert.equal(row.name, "B1");
    assert.ok(!("telephone1" in row));
  },
  "create, with a reference": async () => {
    keys.c = await api.create({
      collection: "contacts",
      data: { lastname: "C", "parentcustomerid_account@odata.bind": `/accounts(${keys.a})` },
    });
    const row = await api.retrieve({ collection: "contacts", key: keys.c });
    assert.equal(row._parentcustomerid_value, keys.a);
  },
  "retrieve": async () => {
    const row = await api.retrieve({ collection: "accounts", key: keys.a, select: ["name"] });
    assert.equal(row.name, "A");
  },
  "retrieve, by an alternate key": async () => {
    const row = await api.retrieve({ collection: "accounts", key: "accountnumber='1'" });
    assert.equal(row.accountid, keys.a);
  },
  "retrieve, expanded": async () => {
    const row = await api.retrieve({
      collection: "contacts",
      key: keys.c,
      select: ["lastname"],
      expand: [{ property: "parentcustomerid_account", select: ["name"] }],
    });
    assert.equal(row.parentcustomerid_account.name, "A");
  },
  "retrieve, unchanged": async () => {
    const row = await api.retrieve({ collection: "accounts", key: keys.a });
    const again = { collection: "accounts", key: keys.a, ifnonematch: row["@odata.etag"] };
    assert.equal(await api.retrieve(again), undefined); // the client's answer to 304
  },
  "retrieve, annotated": async () => {
    const row = await api.retrieve({
      collection: "accounts",
      key: keys.a,
      includeAnnotations: "*",
    });
    assert.equal(row[`statecode@${FORMATTED}`], "Active");
  },
  "retrieve, one column": async () => {
    const value = await api.retrieve({
      collection: "accounts",
      key: keys.a,
      navigationProperty: "name",
    });
    assert.equal(value.value, "A");
  },
  "retrieve, a related row": async () => {
    const row = await api.retrieve({
      collection: "contacts",
      key: keys.c,
      navigationProperty: "parentcustomerid_account",
      select: ["name"],
    });
    assert.equal(row.name, "A");
  },
  "retrieve, missing": async () =>
    refused(404, () => api.retrieve({ collection: "accounts", key: MISSING })),
  "update": async () => {
    await api.update({ collection: "accounts", key: keys.b, data: { telephone1: "8" } });
    const row = await api.retrieve({ collection: "accounts", key: keys.b });
    assert.equal(row.telephone1, "8");
  },
  "update, with the row": async () => {
    const row = await api.update({
      collection: "accounts",
      key: keys.b,
      data: { telephone1: "9" },
      returnRepresentation: true,
      select: ["telephone1"],
    });
    assert.equal(row.telephone1, "9");
  },
  "update, of an old version": async () => {
    const done = await api.update({
      collection: "accounts",
      key: keys.b,
      data: { telephone1: "10" },
      ifmatch: 'W/"1"',
    });
    assert.equal(done, false); // the client's answer to 412
  },
  "update, missing": async () =>
    refused(404, () => api.update({ collection: "accounts", key: MISSING, data: { name: "x" } })),
  "update one column": async () => {
    await api.updateSingleProperty({
      collection: "accounts",
      key: keys.b,
      fieldValuePair: { name: "B2" },
    });
    const row = await api.retrieve({ collection: "accounts", key: keys.b });
    assert.equal(row.name, "B2");
  },
  "upsert, new": async () => {
    await api.upsert({
      collection: "accounts",
      key: "accountnumber='3'",
      data: { name: "B3" },
    });
    const row = await api.retrieve({ collection: "accounts", key: "accountnumber='3'" });
    assert.equal(row.name, "B3");
  },
  "upsert, only if new": async () => {
    const done = await api.upsert({
      collection: "accounts",
      key: keys.a,
      data: { name: "overwritten" },
      ifnonematch: "*",
    });
    assert.equal(done, null); // the client's answer to 412
    const row = await api.retrieve({ collection: "accounts", key: keys.a });
    assert.equal(row.name, "A");
  },
  "upsert, only if there": async () => {
    const done = await api.upsert({
      collection: "accounts",
      key: MISSING,
      data: { name: "x" },
      ifmatch: "*",
    });
    assert.equal(done, null); // the client's answer to 404
  },
  "retrieve many, filtered and ordered": async () => {
    const rows = await api.retrieveMultiple({
      collection: "accounts",
      select: ["name"],
      filter: "startswith(name, 'b') and statecode eq 0",
      orderBy: ["name desc"],
    });
    assert.deepEqual(names(rows), ["B3", "B2"]);
  },
  "retrieve many, the first": async () => {
    const rows = await api.retrieveMultiple({
      collection: "accounts",
      orderBy: ["name"],
      top: 1,
    });
    assert.deepEqual(names(rows), ["A"]);
  },
  "retrieve many, counted": async () => {
    const rows = await api.retrieveMultiple({ collection: "accounts", count: true });
    assert.equal(rows.oDataCount, 3);
  },
  "retrieve many, by pages": async () => {
    const request = { collection: "accounts", orderBy: ["name"], maxPageSize: 2 };
    const first = await api.retrieveMultiple(request);
    const second = await api.retrieveMultiple(request, first.oDataNextLink);
    assert.deepEqual([...names(first), ...names(second)], ["A", "B2", "B3"]);
  },
  "retrieve all": async () => {
    const rows = await api.retrieveAll({ collection: "accounts", maxPageSize: 2 });
    assert.equal(rows.value.length, 3);
  },
  "retrieve many, expanded": async () => {
    const rows = await api.retrieveMultiple({
      collection: "accounts",
      filter: "accountnumber eq '1'",
      expand: [{ property: "contact_customer_accounts", select: ["lastname"] }],
    });
    assert.equal(rows.value[0].contact_customer_accounts[0].lastname, "C");
  },
  "count": async () => assert.equal(await api.count({ collection: "accounts" }), 3),
  "count, filtered": async () =>
    assert.equal(await api.count({ collection: "accounts", filter: "name eq 'a'" }), 1),
  "count all": async () => assert.equal(await api.countAll({ collection: "accounts" }), 3),
  "fetch": async () => {
    const rows = await api.fetch({ collection: "accounts", fetchXml: FETCH });
    assert.deepEqual(names(rows), ["B2", "B3"]);
  },
  "fetch all": async () => {
    const fetchXml = FETCH.replace("<fetch>", "<fetch count='1'>");
    const rows = await api.fetchAll({
      collection: "accounts",
      fetchXml,
      includeAnnotations: "*", // the paging cookie is one
    });
    assert.deepEqual(names(rows), ["B2", "B3"]);
  },
  "associate": async () => {
    await api.associate({
      collection: "accounts",
      primaryKey: keys.b,
      relationshipName: "contact_customer_accounts",
      relatedCollection: "contacts",
      relatedKey: keys.c,
    });
    const row = await api.retrieve({ collection: "contacts", key: keys.c });
    assert.equal(row._parentcustomerid_value, keys.b);
  },
  "disassociate": async () => {
    await api.disassociate({
      collection: "accounts",
      primaryKey: keys.b,
      relationshipName: "contact_customer_accounts",
      relatedKey: keys.c,
    });
    const row = await api.retrieve({ collection: "contacts", key: keys.c });
    assert.equal(row._parentcustomerid_value, null);
  },
  "associate, one to one": async () => {
    await api.associateSingleValued({
      collection: "accounts",
      primaryKey: keys.a,
      navigationProperty: "primarycontactid",
      relatedCollection: "contacts",
      relatedKey: keys.c,
    });
    const row = await api.retrieve({ collection: "accounts", key: keys.a });
    assert.equal(row._primarycontactid_value, keys.c);
  },
  "disassociate, one to one": async () => {
    await api.disassociateSingleValued({
      collection: "accounts",
      primaryKey: keys.a,
      navigationProperty: "primarycontactid",
    });
    const row = await api.retrieve({ collection: "accounts", key: keys.a });
    assert.equal(row._primarycontactid_value, null);
  },
  "WhoAmI": async () => {
    const user = await api.callFunction({ functionName: "WhoAmI" });
    assert.match(user.UserId, /^[0-9a-f-]{36}$/);
  },
  "action, CreateMultiple": async () => {
    const type = "Microsoft.Dynamics.CRM.account";
    const made = await api.callAction({
      collection: "accounts",
      actionName: "Microsoft.Dynamics.CRM.CreateMultiple",
      action: {
        Targets: [
          { "@odata.type": type, name: "D1" },
          { "@odata.type": type, name: "D2" },
        ],
      },
    });
    assert.equal(made.Ids.length, 2);
  },
  "batch": async () => {
    api.startBatch();
    api.create({ collection: "accounts", data: { name: "E" }, contentId: "1" });
    api.update({ collection: "accounts", key: keys.b, data: { telephone1: "11" } });
    const answers = await api.executeBatch();
    assert.equal(answers.length, 2);
    const row = await api.retrieve({ collection: "accounts", key: keys.b });
    assert.equal(row.telephone1, "11");
  },
  "batch of reads": async () => {
    api.startBatch();
    api.retrieve({ collection: "accounts", key: keys.a, select: ["name"] });
    api.retrieveMultiple({ collection: "accounts", filter: "name eq 'E'" });
    const [one, many] = await api.executeBatch();
    assert.equal(one.name, "A");
    assert.deepEqual(names(many), ["E"]);
  },
  "delete one column": async () => {
    await api.deleteRecord({ collection: "accounts", key: keys.b, property: "telephone1" });
    const row = await api.retrieve({ collection: "accounts", key: keys.b });
    assert.equal(row.telephone1, null);
  },
  "delete": async () => {
    await api.deleteRecord({ collection: "accounts", key: keys.b });
    await refused(404, () => api.retrieve({ collection: "accounts", key: keys.b }));
  },
  "metadata, tables": async () => {
    const found = await api.retrieveEntities({
      select: ["LogicalName", "EntitySetName"],
      filter: "LogicalName eq 'account'",
    });
    assert.equal(found.value[0].EntitySetName, "accounts");
  },
  "metadata, one table": async () => {
    const table = await api.retrieveEntity({ key: "LogicalName='account'" });
    keys.table = table.MetadataId;
    assert.equal(table.PrimaryIdAttribute, "accountid");
  },
  "metadata, columns": async () => {
    const found = await api.retrieveAttributes({ entityKey: keys.table });
    const name = found.value.find((column) => column.LogicalName === "name");
    assert.deepEqual([name.AttributeType, name.IsPrimaryName], ["String", true]);
  },
  "metadata, one column": async () => {
    const found = await api.retrieveAttribute({
      entityKey: "LogicalName='product'",
      attributeKey: "LogicalName='productstructure'",
      castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
      expand: [{ property: "OptionSet" }],
    });
    assert.ok(found.OptionSet.Options.length > 1);
  },
  "metadata, relationships": async () => {
    const found = await api.retrieveRelationships({
      castType: "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
      filter: "ReferencedEntity eq 'account'",
    });
    assert.ok(found.value.some((one) => one.SchemaName === "contact_customer_accounts"));
  },
  "metadata, CSDL": async () => {
    const text = await api.retrieveCsdlMetadata();
    assert.match(text, /<EntityType Name="account">/);
  },
  "customising, a table": async () =>
    refused(403, () => api.createEntity({ data: { SchemaName: "new_Thing" } })),
  "customising, a column": async () =>
    refused(403, () =>
      api.createAttribute({ entityKey: keys.table, data: { SchemaName: "new_X" } }),
    ),
};

async function main() {
  const calls = new Calls("dynamics-web-api");
  for (const [name, call] of Object.entries(CALLS)) {
    await calls.attempt(name, call);
  }
  calls.finish(Number(needed));
}

main();
