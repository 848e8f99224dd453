// dataverse-webapi from npm, unmodified: `node dataverse_webapi.cjs <url> <token> <needed>`.
//
// The library opens each connection at the default port of HTTPS. Node's own setting for that
// default leads it to the sandbox.

"use strict";
const assert = require("node:assert/strict");
const https = require("node:https");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { Calls } = require("./calls.cjs");

const [url, token, needed] = process.argv.slice(2);
const address = new URL(url);
https.globalAgent.defaultPort = Number(address.port);
let client; // the library
let config;
const FORMATTED = "OData.Community.Display.V1.FormattedValue";
const keys = {};

const CALLS = {
  "create": async () => {
    keys.a = await client.create(config, "accounts", { name: "A", accountnumber: "1" });
    assert.match(keys.a, /^[0-9a-f-]{36}$/);
  },
  "create, with the row": async () => {
    const row = await client.createWithReturnData(
      config,
      "accounts",
      { name: "B", telephone1: "7" },
      "$select=name,telephone1",
    );
    keys.b = row.accountid;
    assert.deepEqual([row.name, row.telephone1], ["B", "7"]);
  },
  "retrieve": async () => {
    const row = await client.retrieve(config, "accounts", keys.a, "$select=name,statecode");
    assert.deepEqual([row.name, row[`statecode@${FORMATTED}`]], ["A", "Active"]);
  },
  "retrieve, by an alternate key": async () => {
    const row = await client.retrieveAlternateKey(config, "accounts", "accountnumber='1'");
    assert.equal(row.accountid, keys.a);
  },
  "retrieve many": async () => {
    const query = "$select=name&$filter=name eq 'b' or name eq 'a'&$orderby=name desc";
    const rows = await client.retrieveMultiple(config, "accounts", query);
    assert.deepEqual(rows.value.map((row) => row.name), ["B", "A"]);
  },
  "update": async () => {
    await client.update(config, "accounts", keys.a, { telephone1: "8" });
    const row = await client.retrieve(config, "accounts", keys.a);
    assert.equal(row.telephone1, "8");
  },
  "update, with the row": async () => {
    const row = await client.updateWithReturnData(
      config,
      "accounts",
      keys.a,
      { telephone1: "9" },
      "$select=telephone1",
    );
    assert.equal(row.telephone1, "9");
  },
  "update one column": async () => {
    await client.updateProperty(config, "accounts", keys.a, "telephone1", "10");
    const row = await client.retrieve(config, "accounts", keys.a);
    assert.equal(row.telephone1, "10");
  },
  "delete one column": async () => {
    await client.deleteProperty(config, "accounts", keys.a, "telephone1");
    const row = await client.retrieve(config, "accounts", keys.a);
    assert.equal(row.telephone1, null);
  },
  "associate and disassociate": async () => {
    const child = await client.create(config, "contacts", { lastname: "C" });
    const relation = "contact_customer_accounts";
    await client.associate(config, "accounts", keys.a, relation, "contacts", child);
    const before = await client.retrieve(config, "contacts", child);
    await client.disassociate(config, "accounts", keys.a, relation, child);
    const after = await client.retrieve(config, "contacts", child);
    assert.deepEqual(
      [before._parentcustomerid_value, after._parentcustomerid_value],
      [keys.a, null],
    );
  },
  "function": async () => {
    const user = await client.unboundFunction(config, "WhoAmI");
    assert.match(user.UserId, /^[0-9a-f-]{36}$/);
  },
  "batch": async () => {
    const changes = [
      { method: "POST", queryString: "accounts", entity: { name: "D" } },
      { method: "PATCH", queryString: `accounts(${keys.b})`, entity: { telephone1: "11" } },
    ];
    const gets = [`accounts(${keys.b})?$select=telephone1`];
    const answers = await client.batchOperation(config, "1", "1", changes, gets);
    assert.deepEqual(answers.map((one) => one.httpStatus), [204, 204, 200]);
    assert.equal(answers[2].data.telephone1, "11");
  },
  "delete": async () => {
    await client.deleteRecord(config, "accounts", keys.b);
    await assert.rejects(() => client.retrieve(config, "accounts", keys.b));
  },
};

async function main() {
  // The package can only be imported, and node looks for imports beside the script only.
  const file = path.join(process.env.NODE_PATH, "dataverse-webapi", "lib", "node.js");
  client = (await import(pathToFileURL(file))).default;
  config = new client.WebApiConfig("9.2", token, `https://${address.hostname}`);
  const calls = new Calls("dataverse-webapi");
  for (const [name, call] of Object.entries(CALLS)) {
    await calls.attempt(name, call);
  }
  calls.finish(Number(needed));
}

main();
