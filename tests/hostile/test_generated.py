"""Requests made from the specification's own schemas, mostly wrong: no 5xx, no hang, always JSON."""

import json
import random
import string
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.client import User
from tests.spec.validator import Operation, operations

# These would end the log-in that the run needs.
LEFT_OUT = frozenset({"logout", "logout_all"})
ASKED = tuple(each for each in operations() if each.name not in LEFT_OUT)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**53, -(2**53), 1.5, 10**30, "", "x", "\0", "봉수", "\u202e", " "),
    *("x" * 300, "../../x", "' OR 1=1 --", [], {}, [[]], [None], {"": ""}, {"x": {"x": {"x": []}}}, "%s%n{}"),
    *("@x:localhost", "!x:localhost", "#x:localhost", "$x", "mxc://localhost/x", "m.room.message"),
)
# A long poll is no hang, but takes the run's time.
NEVER_WAIT = frozenset({"timeout", "timeout_ms"})


class Generator:
    """Requests of one seed."""

    def __init__(self, seed: int, known: dict[str, list[str]]) -> None:
        self.random = random.Random(seed)
        self.known = known

    def value(self, schema: Any, depth: int = 0) -> Any:
        """A value that fits the schema, more or less."""
        if not isinstance(schema, dict) or depth > 5 or self.random.random() < 0.15:
            return self.random.choice(ODD)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        for joined in ("allOf", "anyOf", "oneOf"):
            if joined in schema:
                return self.value(self.random.choice(schema[joined]), depth + 1)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = self.random.choice(kind)
        if kind == "object" or "properties" in schema:
            return self.object(schema, depth)
        if kind == "array":
            return [self.value(schema.get("items"), depth + 1) for _ in range(self.random.randrange(4))]
        if kind == "integer":
            return self.random.choice((0, 1, 5, -1, 10**6, 2**53 - 1))
        if kind == "boolean":
            return self.random.random() < 0.5
        return self.text()

    def object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        made = {
            name: self.value(inner, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if self.random.random() < 0.7
        }
        if self.random.random() < 0.3:
            made[self.text()] = self.random.choice(ODD)
        return made

    def text(self) -> str:
        """A known id, an odd text, or letters."""
        choice = self.random.random()
        if choice < 0.5:
            return self.random.choice(self.random.choice(list(self.known.values())))
        if choice < 0.7:
            return self.random.choice([each for each in ODD if isinstance(each, str)])
        return "".join(self.random.choices(string.printable + "봉수대", k=self.random.randrange(1, 40)))

    def path(self, operation: Operation) -> str:
        steps = []
        for step in operation.path.split("/"):
            if step.startswith("{"):
                fitting = self.known.get(step[1:-1])
                chosen = (
                    self.random.choice(fitting) if fitting and self.random.random() < 0.8 else self.text()
                )
                step = quote(chosen, safe="")
            steps.append(step)
        return "/".join(steps)

    def query(self, operation: Operation) -> dict[str, str]:
        made = {}
        for parameter in operation.parameters:
            if parameter["in"] == "query" and self.random.random() < 0.6:
                value = self.value(parameter.get("schema"))
                made[parameter["name"]] = value if isinstance(value, str) else json.dumps(value)
        return made | dict.fromkeys(NEVER_WAIT, "0")

    def body(self, operation: Operation) -> bytes | None:
        if operation.method == "GET":
            return None
        if self.random.random() < 0.1:
            return self.random.randbytes(self.random.randrange(200))
        return json.dumps(self.value(operation.body or {"type": "object"})).encode()


def run(alice: User, seed: int, requests: int) -> None:
    room = alice.create_room()
    event = alice.send(room, "처음")
    alias = f"#{alice.name}:localhost"
    alice.put("directory/room", alias, body={"room_id": room})
    known = {
        "roomId": [room, "!x:localhost"],
        "roomIdOrAlias": [room, alias],
        "roomAlias": [alias],
        "eventId": [event, "$x"],
        "userId": [alice.user_id, "@x:localhost"],
        "deviceId": [alice.device_id],
        "eventType": ["m.room.message", "m.room.name", "m.room.member", "m.room.power_levels", "kr.x"],
        "stateKey": ["", alice.user_id, "x"],
        "serverName": ["localhost"],
        "txnId": ["t1", "t2"],
    }
    generator = Generator(seed, known)
    for _ in range(requests):
        operation = generator.random.choice(ASKED)
        path, query, content = (
            generator.path(operation),
            generator.query(operation),
            generator.body(operation),
        )
        headers = {"authorization": f"Bearer {alice.access_token}"}
        # The client itself refuses a 5xx, an error without JSON, and an answer against the schema.
        answer = alice.http.request(operation.method, path, params=query, content=content, headers=headers)
        if answer.status_code >= 400:
            assert {"errcode", "error"} <= set(answer.json()) or "flows" in answer.json(), answer.text


@pytest.mark.parametrize("seed", range(5))
def test_generated_requests(alice: User, seed: int) -> None:
    run(alice, seed, 100)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_generated_requests(alice: User, seed: int) -> None:
    run(alice, seed, 500)
