"""The service protection limits."""

from pathlib import Path

import pytest
from trueup.sandbox.dataverse import limits
from trueup.sandbox.dataverse.limits import Limits
from trueup.sandbox.dataverse.responses import DataverseError

from tests.support.dataverse_client import DataverseClient, error_of, small_sandbox


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Limits(requests=3), "0x80072322"),
        (Limits(execution=0.0), "0x80072321"),
        (Limits(at_a_time=0), "0x80072326"),
    ],
)
def test_each_limit_has_its_own_code(given: Limits, code: str):
    with small_sandbox() as sandbox, DataverseClient(sandbox) as client:
        sandbox._throttle.limits = given
        responses = [client.get("WhoAmI") for _ in range(4)]

    assert error_of(responses[-1])[:2] == (429, code)
    assert responses[-1].headers["Retry-After"] == "5"


def test_the_limits_do_not_count_logins_and_a_restore_resets_them(tmp_path: Path):
    file = {"file": str(tmp_path / "snap")}
    with small_sandbox() as sandbox, DataverseClient(sandbox) as client:
        sandbox._throttle.limits = Limits(requests=1)
        client.http.post(f"{sandbox.url}/sandbox/snapshot", json=file)

        assert [client.get("WhoAmI").status_code for _ in range(2)] == [200, 429]
        assert "access_token" in client.token()
        client.http.post(f"{sandbox.url}/sandbox/restore", json=file)
        assert client.get("WhoAmI").status_code == 200


def test_requests_that_are_refused_lengthen_the_wait(monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr(limits, "monotonic", lambda: now)
    throttle = limits.Throttle(Limits(requests=2), lambda _: None)
    admitted = {}

    for now in (0.0, 1.0, 200.0, 250.0, 302.0, 700.0):
        try:
            with throttle.admit((0.0, 0.0)):
                admitted[now] = True
        except DataverseError:
            admitted[now] = False

    assert admitted == {0.0: True, 1.0: True, 200.0: False, 250.0: False, 302.0: False, 700.0: True}
