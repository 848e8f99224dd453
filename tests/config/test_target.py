"""A mapping's target: entities, fields, rights. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

CUSTOMER = "mappings/customer.yaml"
CONTRACT = "mappings/contract.yaml"
QUANTITIES = "mappings/quantities.yaml"
SERVICE = "mappings/service.yaml"
PROJECT = "trueup.yaml"

CASES = [
    pytest.param(
        [(CUSTOMER, "entity: Companies", "entity: Company")],
        ["mappings/customer.yaml:10:18: there is no entity 'Company' (did you mean 'Companies'?)"],
        id="an unknown entity",
    ),
    pytest.param(
        [(CUSTOMER, "webAddress:", "webAdress:")],
        ["mappings/customer.yaml:22:3: Companies has no field 'webAdress' (did you mean 'webAddress'?)"],
        id="an unknown field",
    ),
    pytest.param(
        [(QUANTITIES, "  serviceID: {ref", "  udf.Work 365 Id: x\n  serviceID: {ref")],
        ["mappings/quantities.yaml:16:3: ContractServices has no user-defined fields"],
        id="a user-defined field where there are none",
    ),
    pytest.param(
        [
            (
                CUSTOMER,
                'companyNumber: "{{ source.number }}"\n  companyType',
                'lastActivityDate: "{{ source.modified_on }}"\n  companyType',
            )
        ],
        ["mappings/customer.yaml:17:3: Companies.lastActivityDate is read-only (take the field out)"],
        id="a read-only field",
    ),
    pytest.param(
        [(CUSTOMER, '  phone: "{{ source.phone | phone(source.country) }}"\n', "")],
        ["mappings/customer.yaml:10:18: nothing fills Companies.phone, which Autotask requires (add it to `fields`)"],
        id="a required field that nothing fills",
    ),
    pytest.param(
        [(PROJECT, "  default_contract_type: Recurring Service\n", "")],
        [
            "mappings/contract.yaml:12:11: nothing fills Contracts.contractType, which Autotask requires (add it to `fields`)"
        ],
        id="a required field that a setting leaves empty",
    ),
    pytest.param(
        [
            (
                SERVICE,
                "mapping: service",
                'mapping: contact\nsource: {table: contact}\ntarget: {entity: Contacts}\nidentity: {externalID: "{{ source.id }}"}\nfields: {firstName: a, lastName: b, isActive: 1}\n---\nmapping: service',
            )
        ],
        ["mappings/service.yaml:4:18: nothing fills Contacts.companyID, which Autotask requires (add it to `fields`)"],
        id="a parent that nothing fills",
    ),
    pytest.param(
        [(QUANTITIES, '  contractServiceID: {ref: subscription, of: "{{ source.subscription }}"}\n', "")],
        [
            "mappings/quantities.yaml:22:12: ledger: mapping license_change does not refer to subscription (give one of its fields {ref: subscription, of: …})",
            "mappings/quantities.yaml:33:18: nothing fills ContractServiceAdjustments.contractID, which Autotask requires (contractServiceID absent) (add it to `fields`)",
            "mappings/quantities.yaml:33:18: nothing fills ContractServiceAdjustments.contractServiceID, which Autotask requires (contractID + serviceID absent) (add it to `fields`)",
            "mappings/quantities.yaml:33:18: nothing fills ContractServiceAdjustments.serviceID, which Autotask requires (contractServiceID absent) (add it to `fields`)",
            "mappings/quantities.yaml:38:16: append: 'contractServiceID' is not among the fields of mapping license_change (known: effectiveDate, unitChange)",
            "mappings/quantities.yaml:39:12: append: 'contractServiceID' is not among the fields of mapping license_change (known: effectiveDate, unitChange)",
            "mappings/quantities.yaml:40:10: append: 'contractServiceID' is not among the fields of mapping license_change (known: effectiveDate, unitChange)",
            "mappings/quantities.yaml:41:65: append: 'contractServiceID' is not among the fields of mapping license_change (known: effectiveDate, unitChange)",
        ],
        id="one of two ways that nothing takes",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                'contractName: "{{ source.name }}"\n',
                'contractName: {value: "{{ source.name }}", manage: extend, clear: true}\n',
            )
        ],
        [
            "mappings/contract.yaml:19:3: Contracts.contractName is no date, so it cannot be extended",
            "mappings/contract.yaml:19:3: Contracts.contractName is required, so it cannot be cleared",
        ],
        id="a field without dates that is extended, a required one that is cleared",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                'deactivate: {status: Inactive, endDate: "{{ plan.as_of }}"}',
                'deactivate: {companyID: 0, endDate: "{{ source.end_date }}"}',
            )
        ],
        [
            "mappings/contract.yaml:27:25: Contracts.companyID cannot be changed, so it cannot switch a record off",
            "mappings/contract.yaml:27:37: there is no 'source' here (known: plan, settings)",
        ],
        id="a deactivation that cannot be written, and one that looks at a row that may be gone",
    ),
    pytest.param(
        [(CONTRACT, 'deactivate: {status: Inactive, endDate: "{{ plan.as_of }}"}\n', "")],
        [
            "mappings/contract.yaml:27:15: when_missing: deactivate, but nothing says how (add `deactivate: {field: value}`)"
        ],
        id="a deactivation that nothing describes",
    ),
    pytest.param(
        [(CUSTOMER, 'identity: {udf.Work 365 Id: "{{ source.id }}"}\n', "")],
        [
            "mappings/customer.yaml:2:1: mapping customer has no identity: a create in doubt could not be found again (name a field that can hold the row's own key)"
        ],
        id="a mapping without an identity",
    ),
    pytest.param(
        [
            (CUSTOMER, 'identity: {udf.Work 365 Id: "{{ source.id }}"}', 'identity: {sicCode: "{{ source.id }}"}'),
            (QUANTITIES, "identity: {internalDescription:", "identity: {unitPrice:"),
        ],
        [
            "mappings/customer.yaml:11:12: Companies.sicCode cannot be queried, so it cannot be an identity",
            "mappings/quantities.yaml:13:12: ContractServices.unitPrice is read-only, so it cannot hold an identity",
        ],
        id="an identity that cannot be queried, and one that is read-only",
    ),
    pytest.param(
        [(CUSTOMER, "entity: Companies", "entity: Resources"), (CUSTOMER, "similar: [companyName]\n", "")],
        [
            "mappings/contract.yaml:13:31: Contracts.companyID refers to Companies, mapping customer writes Resources",
            "mappings/contract.yaml:16:23: Contracts.companyID refers to Companies, mapping customer writes Resources",
            "mappings/contract.yaml:18:20: Contracts.companyID refers to Companies, mapping customer writes Resources",
            "mappings/customer.yaml:2:10: Autotask takes no new Resources (write `create: never`)",
            "mappings/customer.yaml:11:12: Resources has no user-defined fields",
            "mappings/customer.yaml:13:5: Resources has no field 'companyNumber'",
            "mappings/customer.yaml:15:3: Resources has no field 'companyName'",
            "mappings/customer.yaml:16:3: Resources has no field 'companyNumber'",
            "mappings/customer.yaml:17:3: Resources has no field 'companyType' (did you mean 'payrollType'?)",
            "mappings/customer.yaml:18:3: Resources has no field 'ownerResourceID'",
            "mappings/customer.yaml:19:3: Resources has no field 'phone' (did you mean 'homePhone'?)",
            "mappings/customer.yaml:20:3: Resources has no field 'parentCompanyID'",
            "mappings/customer.yaml:21:3: Resources has no field 'webAddress'",
            "rules/all.yaml:20:14: Resources has no field 'companyName'",
        ],
        id="an entity that takes no new records",
    ),
    pytest.param(
        [(SERVICE, "target: {entity: Services}", "target: {entity: BillingCodes}")],
        [
            "mappings/quantities.yaml:12:96: ContractServices.serviceID refers to Services, mapping service writes BillingCodes",
            "mappings/quantities.yaml:16:20: ContractServices.serviceID refers to Services, mapping service writes BillingCodes",
            "mappings/quantities.yaml:23:54: BillingCodes has no field 'periodType'",
            "mappings/service.yaml:6:18: Autotask takes no changes of BillingCodes",
            "mappings/service.yaml:7:12: BillingCodes has no field 'externalID' (did you mean 'externalNumber'?)",
            "mappings/service.yaml:10:3: BillingCodes has no field 'periodType'",
            "mappings/service.yaml:11:3: BillingCodes has no field 'billingCodeID' (did you mean 'billingCodeType'?)",
            "rules/all.yaml:18:13: BillingCodes has no field 'periodType'",
        ],
        id="an entity that takes no changes",
    ),
    pytest.param(
        [(CUSTOMER, "similar: [companyName]", "similar: [companyName, city, foo]")],
        [
            "mappings/customer.yaml:14:24: similar: nothing fills city, so no record can resemble a row by it (known: companyName, companyNumber, companyType, ownerResourceID, parentCompanyID, phone, webAddress)",
            "mappings/customer.yaml:14:30: Companies has no field 'foo'",
        ],
        id="a resemblance by fields that nothing fills",
    ),
    pytest.param(
        [(CONTRACT, "create: ask", "create: maybe"), (QUANTITIES, "'auto' if", "'autom' if")],
        [
            "mappings/contract.yaml:26:9: 'maybe': create is auto, ask, never, or an expression that gives one of these",
            "mappings/quantities.yaml:18:9: create gives 'autom', which is none of auto, ask, never (did you mean 'auto'?)",
        ],
        id="a create that is none of the three",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                "where: {companyID: {linked: customer}, contractType:",
                "where: {companyId: {linked: custmer}, contractTyp:",
            )
        ],
        [
            "mappings/contract.yaml:13:31: Contracts has no field 'companyId' (did you mean 'companyID'?)",
            "mappings/contract.yaml:13:31: there is no mapping 'custmer' (did you mean 'customer'?)",
            "mappings/contract.yaml:13:54: Contracts has no field 'contractTyp' (did you mean 'contractType'?)",
        ],
        id="target.where with an unknown field and one that cannot be asked for",
    ),
    pytest.param(
        [
            (CUSTOMER, "find: Resources, where: {email:", "find: Resource, where: {email:"),
            (SERVICE, "find: BillingCodes, where: {name:", "find: BillingCodes, where: {nam:"),
        ],
        [
            "mappings/customer.yaml:19:27: there is no entity 'Resource' (did you mean 'Resources'?)",
            "mappings/service.yaml:11:52: BillingCodes has no field 'nam' (did you mean 'name'?)",
        ],
        id="a find in an unknown entity, and by unknown fields",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
