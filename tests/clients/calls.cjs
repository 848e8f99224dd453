// Counts the calls that a client makes; the figures are those of calls.py.

"use strict";
const assert = require("node:assert/strict");

class Calls {
  constructor(client) {
    this.client = client;
    this.passed = 0;
    this.tried = 0;
  }

  // Makes one call, which checks its own result; any error is a failure.
  async attempt(name, call) {
    this.tried += 1;
    try {
      await call();
      this.passed += 1;
    } catch (error) {
      const text = `${error.name || "Error"}: ${error.message || JSON.stringify(error)}`;
      console.log(`  FAIL ${name}: ${text.replace(/\s+/g, " ").slice(0, 300)}`);
    }
  }

  // Prints the figures; the exit code is 1 below the needed number of passed calls.
  finish(needed) {
    console.log(
      `${this.client}: ${this.passed} of ${this.tried} calls passed (needed ${needed})`,
    );
    process.exitCode = this.passed >= needed ? 0 : 1;
  }
}

// Checks that a call is refused with an HTTP status.
async function refused(status, call) {
  await assert.rejects(call, (error) => error.status === status);
}

module.exports = { Calls, refused };
