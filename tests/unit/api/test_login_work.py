"""What a log-in costs: the same whoever is named, and bounded however often somebody tries."""

import json
from pathlib import Path

import pytest

from bongsu import drafts, ratelimit
from bongsu.api.http import Headers, Request
from bongsu.api.login import login
from bongsu.clock import next_stamp
from bongsu.config import Config
from bongsu.errors import MatrixError
from bongsu.node import Node
from bongsu.passwords import Passwords
from bongsu.ratelimit import Rate, RateLimiter
from bongsu.service import Service
from tests.helpers.crowd import Ticks, silent


class Counting(Passwords):
    """Passwords that note which hashes they were compared with."""

    def __init__(self) -> None:
        super().__init__()
        self.compared: list[str] = []

    def _matches(self, password_hash: str, password: str) -> bool:
        self.compared.append(password_hash)
        return super()._matches(password_hash, password)


class Frozen(Ticks):
    """A clock by which no time passes, so that no limit is refilled."""

    def monotonic(self) -> float:
        return 1_000.0


async def started(folder: Path, *, rate_limits: bool) -> tuple[Service, Counting]:
    node = Node.open(Config(data=folder, rate_limits=rate_limits), Frozen(), silent)
    await node.introduce()
    node.passwords.close()
    node.passwords = counting = Counting()
    hashed = await counting.hash("the right password")
    for name, password in (("known", hashed), ("without", None), ("gone", hashed)):
        now = node.now_ms()
        user_id = f"@{name}:localhost"
        await node.write(drafts.user(user_id, now, now), drafts.password(user_id, password, next_stamp(now)))
    return Service(node), counting


def asked(name: str, password: str, address: str = "192.0.2.1") -> Request:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": name},
        "password": password,
    }
    path = "/_matrix/client/v3/login"
    return Request("POST", path, {}, "", Headers(lambda _: None), address, json.dumps(body).encode())


async def refused(service: Service, request: Request) -> MatrixError:
    with pytest.raises(MatrixError) as caught:
        await login(service, request)
    return caught.value


async def test_whoever_is_named_one_hash_is_computed(tmp_path: Path) -> None:
    service, counting = await started(tmp_path, rate_limits=False)
    said = set()
    for name in ("known", "without", "nobody", "@nobody:elsewhere.example"):
        counting.compared.clear()
        error = await refused(service, asked(name, "a wrong password"))
        said.add((error.status, error.errcode, str(error)))
        assert len(counting.compared) == 1, name
        # The parameters that decide how long it takes are those of every other hash.
        (compared,) = counting.compared
        assert compared.split("$")[1:4] == (await counting.hash("the right password")).split("$")[1:4]
    assert len(said) == 1
    service.node.close()


async def test_a_thousand_wrong_passwords(tmp_path: Path) -> None:
    service, counting = await started(tmp_path, rate_limits=True)
    statuses = [
        (await refused(service, asked("known", f"wrong {number}", f"192.0.2.{number % 250}"))).status
        for number in range(1_000)
    ]
    burst = ratelimit.LOGIN_USER.burst
    assert statuses == [403] * burst + [429] * (1_000 - burst)
    assert len(counting.compared) == burst
    # Another user, of an address that has not been used up, is not bothered.
    counting.compared.clear()
    assert (await refused(service, asked("nobody", "wrong password", "198.51.100.1"))).status == 403
    # From one address, names without end.
    statuses = [
        (await refused(service, asked(f"nobody{number}", "wrong password", "203.0.113.1"))).status
        for number in range(1_000)
    ]
    assert statuses.count(403) == ratelimit.LOGIN_ADDRESS.burst
    assert len(counting.compared) == 1 + ratelimit.LOGIN_ADDRESS.burst
    service.node.close()


def test_a_limiter_remembers_a_bounded_number() -> None:
    limiter = RateLimiter(lambda: 0.0, enabled=True)
    one = Rate("one", 1, 1.0)
    for number in range(120_000):
        limiter.check(one, f"address {number}")
    with pytest.raises(MatrixError):
        limiter.check(one, "address 119999")
    # The first are forgotten: what was kept of them is gone, and they may ask again.
    limiter.check(one, "address 0")
