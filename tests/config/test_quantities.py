"""Append, ledger, repeat and write-back. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

QUANTITIES = "mappings/quantities.yaml"

CASES = [
    pytest.param(
        [
            (
                QUANTITIES,
                "target: {entity: ContractServiceAdjustments}\nfields:\n",
                'target: {entity: ContractServices}\nidentity: {internalDescription: "{{ source.id }}"}\nfields:\n  contractID: {ref: contract, of: x}\n  serviceID: {ref: service, of: x}\n',
            )
        ],
        [
            "mappings/quantities.yaml:38:3: ContractServices has no field 'contractServiceID' (did you mean 'contractID'?)",
            "mappings/quantities.yaml:39:3: ContractServices has no field 'effectiveDate' (known: contractID, id, internalCurrencyAdjustedPrice, internalCurrencyUnitPrice, internalDescription, invoiceDescription, quoteItemID, serviceID, unitCost, unitPrice)",
            "mappings/quantities.yaml:40:3: ContractServices has no field 'unitChange' (did you mean 'unitPrice'?)",
            "mappings/quantities.yaml:41:1: ContractServices can be queried, so `append` is not for it (use identity and match)",
            "rules/all.yaml:24:13: ContractServices has no field 'unitChange' (did you mean 'unitPrice'?)",
        ],
        id="append for an entity that can be queried",
    ),
    pytest.param(
        [
            (
                QUANTITIES,
                "target: {entity: ContractServices, where",
                "target: {entity: ContractServiceBundleAdjustments, where",
            )
        ],
        [
            "mappings/quantities.yaml:12:18: Autotask cannot be asked for ContractServiceBundleAdjustments (use `append` in the place of identity and match)",
            "mappings/quantities.yaml:12:18: nothing fills ContractServiceBundleAdjustments.contractServiceBundleID, which Autotask requires (contractID + serviceBundleID absent) (add it to `fields`)",
            "mappings/quantities.yaml:12:18: nothing fills ContractServiceBundleAdjustments.effectiveDate, which Autotask requires (add it to `fields`)",
            "mappings/quantities.yaml:12:18: nothing fills ContractServiceBundleAdjustments.serviceBundleID, which Autotask requires (contractServiceBundleID absent) (add it to `fields`)",
            "mappings/quantities.yaml:12:81: ContractServiceBundleAdjustments.contractID cannot be queried, so it cannot be asked for",
            "mappings/quantities.yaml:12:112: ContractServiceBundleAdjustments has no field 'serviceID' (did you mean 'serviceBundleID'?)",
            "mappings/quantities.yaml:13:12: ContractServiceBundleAdjustments has no field 'internalDescription' (known: adjustedUnitPrice, allowRepeatServiceBundle, contractID, contractServiceBundleID, effectiveDate, id, quoteItemID, serviceBundleID, unitChange)",
            "mappings/quantities.yaml:16:3: ContractServiceBundleAdjustments has no field 'serviceID' (did you mean 'serviceBundleID'?)",
            "mappings/quantities.yaml:23:18: ContractServiceBundleAdjustments has no field 'internalCurrencyAdjustedPrice' (known: adjustedUnitPrice, allowRepeatServiceBundle, contractID, contractServiceBundleID, effectiveDate, id, quoteItemID, serviceBundleID, unitChange)",
            "mappings/quantities.yaml:35:28: ContractServiceAdjustments.contractServiceID refers to ContractServices, mapping subscription writes ContractServiceBundleAdjustments",
        ],
        id="an entity that cannot be queried, without append",
    ),
    pytest.param(
        [(QUANTITIES, "append:\n", "apend:\n")],
        ["mappings/quantities.yaml:38:1: unknown key 'apend' (did you mean 'append'?)"],
        id="append that is misspelt",
    ),
    pytest.param(
        [
            (
                QUANTITIES,
                "target: {entity: ContractServiceAdjustments}\n",
                "target: {entity: ContractServiceAdjustments}\nidentity: {serviceID: 1}\n",
            )
        ],
        [
            "mappings/quantities.yaml:34:12: Autotask cannot be asked for ContractServiceAdjustments, so nothing can be found by serviceID (`append` stands in the place of identity and match)"
        ],
        id="append with an identity",
    ),
    pytest.param(
        [
            (QUANTITIES, "in_turn: contractServiceID", "in_turn: contractServiceId"),
            (QUANTITIES, "sum: unitChange", "sum: effectiveDate"),
            (QUANTITIES, "once: [contractServiceID, effectiveDate]", "once: [contractServiceID, day]"),
        ],
        [
            "mappings/quantities.yaml:39:56: ContractServiceAdjustments.effectiveDate is not a number",
            "mappings/quantities.yaml:40:12: append: 'contractServiceId' is not among the fields of mapping license_change (did you mean 'contractServiceID'?)",
            "mappings/quantities.yaml:41:29: append: 'day' is not among the fields of mapping license_change (known: contractServiceID, effectiveDate, unitChange)",
        ],
        id="append by fields that the mapping does not have",
    ),
    pytest.param(
        [
            (QUANTITIES, "rows: [id,", "rows: [idd,"),
            (
                QUANTITIES,
                "proof: {entity: ContractServiceUnits, on: {contractServiceID:",
                "proof: {entity: ContractServiceUnits, on: {contractServiceId:",
            ),
        ],
        [
            "mappings/quantities.yaml:42:46: ContractServiceUnits has no field 'contractServiceId' (did you mean 'contractServiceID'?)",
            "mappings/quantities.yaml:42:92: ContractServiceUnits has no field 'idd' (did you mean 'id'?)",
        ],
        id="a proof that cannot be read",
    ),
    pytest.param(
        [(QUANTITIES, "pending: license_change", "pending: subscription")],
        [
            "mappings/quantities.yaml:22:12: ledger: mapping subscription does not append, so nothing of it can be pending"
        ],
        id="a ledger whose changes do not append",
    ),
    pytest.param(
        [(QUANTITIES, "pending: license_change", "pending: licence_change")],
        ["mappings/quantities.yaml:22:12: there is no mapping 'licence_change' (did you mean 'license_change'?)"],
        id="a ledger whose changes are unknown",
    ),
    pytest.param(
        [
            (
                QUANTITIES,
                'contractServiceID: {ref: subscription, of: "{{ source.subscription }}"}',
                "contractServiceID: 1",
            )
        ],
        [
            "mappings/quantities.yaml:22:12: ledger: mapping license_change does not refer to subscription (give one of its fields {ref: subscription, of: …})"
        ],
        id="a ledger whose changes belong to something else",
    ),
    pytest.param(
        [
            (QUANTITIES, "value: units,", "value: unit,"),
            (QUANTITIES, "contractServiceID: id}, value", "contractServiceID: idd}, value"),
            (QUANTITIES, "posted: approveAndPostDate", "posted: price"),
        ],
        [
            "mappings/quantities.yaml:21:65: ContractServices has no field 'idd' (did you mean 'id'?)",
            "mappings/quantities.yaml:21:78: ContractServiceUnits has no field 'unit' (did you mean 'units'?)",
            "mappings/quantities.yaml:21:101: ContractServiceUnits.price is not a date",
        ],
        id="units that are not there",
    ),
    pytest.param(
        [(QUANTITIES, "units: {entity: ContractServiceUnits", "units: {entity: ContractServiceUnit")],
        [
            "mappings/quantities.yaml:21:19: there is no entity 'ContractServiceUnit' (did you mean 'ContractServiceUnits'?)"
        ],
        id="units of an unknown entity",
    ),
    pytest.param(
        [(QUANTITIES, 'quantity: "{{ source.quantity if', 'quantity: "{{ source.quantit if')],
        ["mappings/quantities.yaml:20:13: table subscription has no column 'quantit' (did you mean 'quantity'?)"],
        id="a quantity that is text",
    ),
    pytest.param(
        [(QUANTITIES, "{ref: service, field: periodType}", "{ref: servic, field: periodType}")],
        [
            "mappings/quantities.yaml:23:54: price: mapping subscription does not refer to 'servic' (did you mean 'service'?)"
        ],
        id="a period through a reference that is not there",
    ),
    pytest.param(
        [
            (QUANTITIES, "{ref: service, field: periodType}", "service.unitPrice"),
            (QUANTITIES, "value: internalCurrencyAdjustedPrice", "value: [internalCurrencyAdjustedPric, service.name]"),
        ],
        [
            "mappings/quantities.yaml:23:19: ContractServices has no field 'internalCurrencyAdjustedPric' (did you mean 'internalCurrencyAdjustedPrice'?)",
            "mappings/quantities.yaml:23:49: price: service.name is not a number",
            "mappings/quantities.yaml:23:69: price: service.unitPrice is no picklist",
        ],
        id="a price that is no number, a period that is no picklist",
    ),
    pytest.param(
        [
            (QUANTITIES, "set: {allowRepeatService: true}", "set: {allowRepeatService: maybe}"),
            (QUANTITIES, "by: ContractServiceAdjustments", "by: ContractServiceUnits"),
        ],
        [
            "mappings/quantities.yaml:17:64: Autotask takes no new ContractServiceUnits",
            "mappings/quantities.yaml:17:112: ContractServiceUnits has no field 'allowRepeatService' (did you mean 'contractServiceID'?)",
        ],
        id="a repeat by an entity that takes none",
    ),
    pytest.param(
        [(QUANTITIES, "set: {status: Archived}", "set: {status: Archive, id: x, foo: 1}")],
        [
            "mappings/quantities.yaml:43:42: 'Archive' is no choice of license_change.status (did you mean 'Archived'?)",
            "mappings/quantities.yaml:43:55: license_change.id is the row's key and is never written",
            "mappings/quantities.yaml:43:63: table license_change has no column 'foo'",
        ],
        id="a write-back of what is no choice, of the key, of an unknown column",
    ),
    pytest.param(
        [
            (
                QUANTITIES,
                'set: {psa_system_id: "{{ record.id }}"}',
                'set: {psa_system_id: "{{ record.idd }}", quantity: ten}',
            )
        ],
        [
            "mappings/quantities.yaml:24:35: ContractServices has no field 'idd' (did you mean 'id'?)",
            "mappings/quantities.yaml:24:65: subscription.quantity: 'ten' is not a number",
        ],
        id="a write-back from an unknown field, and of what does not fit",
    ),
    pytest.param(
        [
            (QUANTITIES, "set: {status: Archived}", 'set: {invoice: "{{ record.id }}"}'),
            (QUANTITIES, 'when: "{{ not source.psa_system_id }}"}', "after: proof}"),
        ],
        [
            "mappings/quantities.yaml:24:1: `after: proof` is for mappings that append (take it out)",
            "mappings/quantities.yaml:43:43: what is appended to ContractServiceAdjustments cannot be read back",
        ],
        id="a write-back from what cannot be read back, and a proof without append",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
