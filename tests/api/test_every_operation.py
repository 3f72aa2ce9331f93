"""What holds for every operation of the Client-Server API, straight from the specification's list of them."""

import re
from pathlib import Path

import httpx
import pytest

from tests.api.client import User
from tests.spec.validator import Operation, operations

METHODS = ("GET", "PUT", "POST", "DELETE")
# Any value: nothing is looked up before the token and the method have been checked.
PARAMETER = re.compile(r"\{[^}]+\}")

# What this version does not have, and why; it says so with M_UNRECOGNIZED.
NOT_YET = Path(__file__).parents[2] / "docs" / "decisions" / "not-yet.md"
ABSENT = frozenset(
    name
    for line in NOT_YET.read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
    for name in re.findall(r"`([A-Za-z0-9]+)`", line)
)

PRESENT = [each for each in operations() if each.name not in ABSENT]
METHODS_OF = {
    path: {each.method for each in PRESENT if each.path == path} for path in {o.path for o in PRESENT}
}


def request(http: httpx.Client, operation: Operation, token: str | None = None) -> httpx.Response:
    user = User(http, "")
    user.access_token = token
    return user.request(operation.method, PARAMETER.sub("x", operation.path))


def name(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", [each for each in PRESENT if each.auth == "token"], ids=name)
def test_a_token_is_asked_for(http: httpx.Client, operation: Operation) -> None:
    answer = request(http, operation)
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_MISSING_TOKEN")
    answer = request(http, operation, "syt_unknown")
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("path", sorted(METHODS_OF))
def test_a_wrong_method_is_405(http: httpx.Client, path: str) -> None:
    for method in {*METHODS} - METHODS_OF[path]:
        answer = User(http, "").request(method, PARAMETER.sub("x", path))
        assert (answer.status_code, answer.json()["errcode"]) == (405, "M_UNRECOGNIZED"), method


@pytest.mark.parametrize("operation", [each for each in operations() if each.name in ABSENT], ids=name)
def test_what_is_absent_says_so(http: httpx.Client, operation: Operation) -> None:
    answer = request(http, operation)
    status = 405 if operation.path in METHODS_OF else 404
    assert (answer.status_code, answer.json()["errcode"]) == (status, "M_UNRECOGNIZED")


def test_only_operations_of_the_spec_are_called_absent() -> None:
    assert len(ABSENT) > 20
    assert {each.name for each in operations()} >= ABSENT


@pytest.mark.parametrize(
    "path", ["/nothing", "/_matrix", "/_matrix/client/v3/nothing", "/_matrix/client/v9/sync", "/x%00y"]
)
def test_an_unknown_path_is_404(http: httpx.Client, path: str) -> None:
    for method in METHODS:
        answer = User(http, "").request(method, path)
        assert (answer.status_code, answer.json()["errcode"]) == (404, "M_UNRECOGNIZED"), method


def test_every_answer_may_be_read_by_a_web_client(http: httpx.Client) -> None:
    for answer in (http.options("/_matrix/client/v3/sync"), http.get("/_matrix/client/v3/sync")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert {"GET", "PUT", "POST", "DELETE", "OPTIONS"} <= {
            *re.split(r",\s*", answer.headers["access-control-allow-methods"])
        }
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
