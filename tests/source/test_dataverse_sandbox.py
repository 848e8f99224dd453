"""The stand-in refuses what it does not know in Dataverse's own shape, and does what Dataverse is known to do."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from engine.errors import SandboxError
from engine.sandbox.answers import Refused
from engine.sandbox.dataverse.limits import Limits
from engine.sandbox.dataverse.schema import Habits
from engine.sandbox.dataverse.server import DataverseSandbox
from tests.source.dataverse_worlds import LOG, SECRET, TABLES, account, environment, key, log

ROWS = {"license_change": [log(number) for number in range(1, 6)], "account": [account(1)]}
SET = "work365_licensechangelogs"


class Client:
    """Plain HTTP with a token."""

    def __init__(self, sandbox: DataverseSandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=f"{sandbox.url}/api/data/v9.2/", trust_env=False)
        self.http.headers["Authorization"] = f"Bearer {self.token()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def token(self, **more: str) -> dict[str, Any]:
        form = {"grant_type": "client_credentials", "client_id": "trueup-demo", "client_secret": SECRET}
        scope = f"{self.sandbox.url}/.default"
        url = f"{self.sandbox.url}/demo.example/oauth2/v2.0/token"
        return self.http.post(url, data={**form, "scope": scope, **more}).json()

    def get(self, path: str, prefer: str = "") -> httpx.Response:
        return self.http.get(path, headers={"Prefer": prefer})

    def patch(self, number: int, values: dict[str, Any], **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.patch(f"{SET}({key(number)})", json=values, headers=named)


@pytest.fixture
def client() -> Iterator[Client]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox, Client(sandbox) as made:
        yield made


def error(response: httpx.Response) -> tuple[int, str, str]:
    said = response.json()["error"]
    return response.status_code, said["code"], said["message"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("nothings", 404, "Resource not found for the segment 'nothings'."),
        (
            f"{SET}?$select=color",
            400,
            f"Could not find a property named 'color' on type 'Microsoft.Dynamics.CRM.{LOG}'.",
        ),
        (f"{SET}?$skip=1", 400, "The query parameter $skip is not supported."),
        (f"{SET}?$SELECT=statuscode", 400, "The query parameter $SELECT is not supported."),
        (f"{SET}?$select=statuscode&$select=statecode", 400, "Query option '$select' was specified more than once."),
        (f"{SET}?$filter=statuscode eq 1", 400, 'The "$filter" query parameter is not supported.'),
        (f"{SET}?$skiptoken=nonsense", 400, "The paging token is malformed."),
        (f"{SET}?$deltatoken=nonsense", 400, "The delta token is malformed."),
        (f"{SET}({key(99)})", 404, f"{LOG} With Id = {key(99)} Does Not Exist"),
        ("EntityDefinitions?$select=Color", 400, "Could not find a property named 'Color' on EntityMetadata."),
        ("EntityDefinitions(LogicalName='nothing')", 404, "Could not find an entity with name nothing."),
        (f"EntityDefinitions(LogicalName='{LOG}')?$expand=Keys", 400, "Could not find a property named 'Keys' on"),
        (
            f"EntityDefinitions(LogicalName='{LOG}')/Attributes/Microsoft.Dynamics.CRM.MemoAttributeMetadata",
            400,
            "The cast to 'MemoAttributeMetadata' is not supported.",
        ),
    ],
)
def test_what_it_does_not_know_is_refused(client: Client, path: str, status: int, words: str):
    got = error(client.get(path))

    assert (got[0], got[2][: len(words)]) == (status, words)


@pytest.mark.parametrize("option", ["$filter=a eq 1", "$orderby=a", "$expand=a", "$top=1"])
def test_options_that_change_tracking_forbids_are_refused_as_dataverse_does(client: Client, option: str):
    name = option.partition("=")[0]

    assert error(client.get(f"{SET}?{option}", "odata.track-changes"))[2] == (
        f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
    )


def test_a_table_that_is_not_tracked_gives_no_changes():
    habits = Habits(untracked=frozenset({LOG}))
    with DataverseSandbox(TABLES, ROWS, environment(habits=habits)) as sandbox, Client(sandbox) as client:
        refused = client.get(SET, "odata.track-changes")

    assert error(refused)[0] == 400


def test_pages_are_at_most_of_5000_rows_and_of_the_size_that_is_preferred(client: Client):
    first = client.get(f"{SET}?$select=statuscode", "odata.maxpagesize=2").json()
    second = client.get(first["@odata.nextLink"], "odata.maxpagesize=2").json()
    third = client.get(second["@odata.nextLink"], "odata.maxpagesize=2").json()
    whole = client.get(f"{SET}?$select=statuscode&$count=true", "odata.maxpagesize=99999").json()

    assert [len(page["value"]) for page in (first, second, third, whole)] == [2, 2, 1, 5]
    assert "@odata.nextLink" not in third
    assert "@odata.deltaLink" not in third
    assert whole["@odata.count"] == 5


def test_a_delta_link_gives_what_changed_and_what_is_gone(client: Client):
    tracked = client.get(f"{SET}?$select=work365_lcl_quantity", "odata.track-changes")
    client.sandbox.set("license_change", log(2, quantity=Decimal("1.25")))
    client.sandbox.remove(LOG, key(3))
    changes = client.get(tracked.json()["@odata.deltaLink"]).json()
    nothing = client.get(changes["@odata.deltaLink"]).json()

    assert tracked.headers["Preference-Applied"] == "odata.track-changes"
    assert [row.get("work365_lcl_quantity", row.get("reason")) for row in changes["value"]] == [1.25, "deleted"]
    assert changes["value"][1]["id"] == key(3)
    assert nothing["value"] == []


def test_a_bare_patch_makes_a_row_and_if_match_forbids_that(client: Client):
    made = client.patch(50, {"work365_lcl_name": "new"})
    refused = client.patch(51, {"work365_lcl_name": "new"}, If_Match="*")

    assert made.status_code == 204
    assert client.get(f"{SET}({key(50)})").json()["work365_lcl_name"] == "new"
    assert error(refused)[0] == 404
    assert client.get(f"{SET}({key(51)})").status_code == 404


def test_a_tag_is_good_until_the_row_changes(client: Client):
    tag = client.get(f"{SET}({key(1)})").json()["@odata.etag"]
    first = client.patch(1, {"work365_lcl_name": "a"}, If_Match=tag)
    second = client.patch(1, {"work365_lcl_name": "b"}, If_Match=tag)
    third = client.patch(1, {"work365_lcl_name": "c"}, If_Match=first.headers["ETag"])

    assert [first.status_code, second.status_code, third.status_code] == [204, 412, 204]
    assert error(second)[2] == "The version of the existing record doesn't match the RowVersion property provided."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"color": 1}, "Could not find a property named 'color'"),
        ({"_work365_lcl_subscription_value": key(1)}, "Could not find a property named"),
        ({"createdon": "2026-01-01T00:00:00Z"}, "Attribute createdon cannot be updated."),
        ({"work365_lcl_quantity": "3"}, "Cannot convert the value of work365_lcl_quantity to type Decimal."),
        ({"work365_lcl_isaudit": 1}, "Cannot convert the value of work365_lcl_isaudit to type Boolean."),
        ({"statuscode": 77}, "A validation error occurred. The value 77 of 'statuscode' is outside the valid range."),
        ({"statuscode": 126340100}, f"126340100 is not a valid status code for state code 0 on {LOG}."),
    ],
)
def test_a_write_that_does_not_fit_is_refused_and_changes_nothing(client: Client, values: dict, words: str):
    before = client.sandbox.store.get(LOG, key(1))

    got = error(client.patch(1, values, If_Match="*"))

    assert (got[0], got[2][: len(words)]) == (400, words)
    assert client.sandbox.store.get(LOG, key(1)) == before


def test_rows_can_be_deleted_once(client: Client):
    answers = [client.http.delete(f"{SET}({key(1)})").status_code for _ in range(2)]

    assert answers == [204, 404]


def test_nobody_comes_in_without_a_token_that_is_good(client: Client):
    good = client.http.headers["Authorization"]
    tried = [client.http.get(SET, headers={"Authorization": token}).status_code for token in ("", "Bearer x.y", good)]
    client.sandbox.withdraw_tokens()

    assert [*tried, client.get(SET).status_code] == [401, 401, 200, 401]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"scope": "https://elsewhere/.default"}, "invalid_scope"),
        ({"grant_type": "password"}, "invalid_scope"),
    ],
)
def test_a_login_that_is_not_right_gets_no_token(client: Client, form: dict[str, str], said: str):
    answer = client.token(**form)

    assert answer["error"] == said
    assert "access_token" not in answer


def test_the_three_limits_are_told_apart():
    codes = {}
    for name, limits in {
        "requests": Limits(requests=3),
        "time": Limits(execution=0.0),
        "at once": Limits(at_a_time=0),
    }.items():
        with DataverseSandbox(TABLES, ROWS, environment()) as sandbox, Client(sandbox) as client:
            sandbox._gate.limits = limits
            answers = [client.get("WhoAmI") for _ in range(4)]
        codes[name] = (answers[-1].status_code, error(answers[-1])[1], answers[-1].headers["Retry-After"])

    assert codes == {
        "requests": (429, "0x80072322", "5"),
        "time": (429, "0x80072321", "5"),
        "at once": (429, "0x80072326", "5"),
    }


def test_the_limits_are_not_those_of_the_login_and_a_restore_forgets_what_was_counted(tmp_path: Path):
    file = {"file": str(tmp_path / "snap")}
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox, Client(sandbox) as client:
        sandbox._gate.limits = Limits(requests=1)
        client.http.post(f"{sandbox.url}/sandbox/snapshot", json=file)

        assert [client.get("WhoAmI").status_code for _ in range(2)] == [200, 429]
        assert "access_token" in client.token()
        client.http.post(f"{sandbox.url}/sandbox/restore", json=file)
        assert client.get("WhoAmI").status_code == 200


def test_rows_and_versions_survive_a_restart_and_the_seed_is_not_sown_twice(tmp_path: Path):
    path = tmp_path / "dataverse.sqlite"
    with DataverseSandbox(TABLES, ROWS, environment(), database=path) as sandbox:
        sandbox.change(LOG, key(1), work365_lcl_name="kept")
        sandbox.remove(LOG, key(2))
        version = sandbox.store.version
    with DataverseSandbox(TABLES, ROWS, environment(), database=path) as sandbox:
        with Client(sandbox) as client:
            names = [row["work365_lcl_name"] for row in client.get(SET).json()["value"]]

        assert sorted(names) == ["kept", "log 3", "log 4", "log 5"]
        assert sandbox.store.version == version


def test_many_at_once_are_answered_and_versions_never_come_twice(client: Client):
    def work(number: int) -> None:
        for _ in range(5):
            client.patch(number, {"work365_lcl_name": "x"}, If_Match="*")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    versions = [stored.version for stored in client.sandbox.store.after(LOG, 0, 99, gone=True)]
    assert len(set(versions)) == 5
    assert client.sandbox.store.version >= 25


def test_a_fault_hits_the_requests_that_it_names_and_as_often_as_it_says(client: Client):
    client.sandbox.faults.set({"kind": "error", "verb": "GET", "path": "WhoAmI", "nth": 2, "times": 2})

    answers = [client.get("WhoAmI").status_code for _ in range(4)]

    assert answers == [200, 503, 503, 200]
    with pytest.raises(Refused, match="unauthorized, expired, lost"):
        client.sandbox.faults.set({"kind": "nonsense"})


def test_an_address_that_is_taken_is_an_error(client: Client):
    port = int(client.sandbox.url.rpartition(":")[2])

    with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"):
        DataverseSandbox(TABLES, {}, environment(), address=("127.0.0.1", port))
