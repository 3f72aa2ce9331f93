"""A service with a root key and officers who may warn, for tests."""

import time
from pathlib import Path
from typing import Any

import httpx
import pyotp

from bongsu import authority, enrolment
from bongsu.canonical import unpadded_base64
from bongsu.config import Config
from bongsu.log.key import NodeKey
from bongsu.tower import brief, keys, signed
from bongsu.tower.keys import TowerKey
from tests.helpers.service import ROOT, ROOT_KEY, certify
from tests.server import Server

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def now_ms() -> int:
    """Now, in whole seconds."""
    return int(time.time()) * 1000


class Officer:
    """Somebody with a tower key."""

    def __init__(self, name: str = "강릉시장", seed: int | None = None) -> None:
        self.key = NodeKey.generate() if seed is None else NodeKey(seed.to_bytes(32, "big"))
        self.id = signed.key_id(self.key.public)
        self.name = name

    def statement(
        self,
        role: str = keys.COMMANDER,
        *,
        areas: tuple[str, ...] = (),
        users: tuple[str, ...] = (),
        two_person: bool = False,
        issued: int = 1_790_000_000_000,
        expires: int = 1_990_000_000_000,
        by: NodeKey = ROOT,
    ) -> str:
        """What the root key says of this officer's key."""
        key = TowerKey(self.key.public, self.name, role, areas, two_person, users, issued, expires)
        return keys.certify(key, by.sign_bytes)

    def sign(self, kind: str, content: dict[str, Any]) -> str:
        return signed.signature(kind, content, self.key.sign_bytes)

    def alert(self, *also: "Officer", **changed: Any) -> dict[str, Any]:
        """An alert as it is handed in."""
        content = alert_content(self.id, **changed)
        signers = (self, *also)
        payload = brief.payload(content)
        return {
            "content": content,
            "signatures": {each.id: each.sign(signed.ALERT, content) for each in signers},
            "briefs": {
                each.id: unpadded_base64(brief.sign(payload, each.key.sign_bytes)) for each in signers
            },
        }

    def act(self, act: str, said: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """An act as it is handed in."""
        content = {"sender": self.id, "act": act, "sent": now_ms(), "content": said or {}, **more}
        return {"content": content, "signatures": {self.id: self.sign(signed.ACT, content)}}

    def call(self, **changed: Any) -> dict[str, Any]:
        """A question who is safe, as it is handed in."""
        sent = now_ms()
        content = {
            "sender": self.id,
            "sent": sent,
            "expires": sent + DAY_MS,
            "status": "Exercise",
            "areas": [],
            "texts": {"ko": {"question": "무사하십니까?"}, "en": {"question": "Are you safe?"}},
            **changed,
        }
        return {"content": content, "signatures": {self.id: self.sign(signed.CALL, content)}}


def alert_content(sender: str, **changed: Any) -> dict[str, Any]:
    """An exercise's alert about a wildfire."""
    sent = changed.get("sent", now_ms())
    return {
        "sender": sender,
        "sent": sent,
        "expires": sent + HOUR_MS,
        "status": "Exercise",
        "msg_type": "Alert",
        "scope": "Public",
        "category": "Fire",
        "event": "산불",
        "urgency": "Immediate",
        "severity": "Extreme",
        "certainty": "Observed",
        "areas": [],
        "texts": {
            "ko": {
                "headline": "난곡동 산불이 경포 방향으로 확산 중입니다. 경포초등학교로 대피하십시오.",
                "instruction": "창문을 닫고 가스를 잠그고 가십시오.",
            },
            "en": {"headline": "Wildfire spreading towards Gyeongpo. Go to Gyeongpo Elementary School."},
        },
        **changed,
    }


def rooted_server(folder: Path, *options: str, site: str = "gangneung") -> Server:
    """A server that is not started yet, of a service with a root key, with its certificate."""
    server = Server(folder, "--root-key", ROOT_KEY, "--site", site, *options)
    server.data.mkdir(parents=True)
    key = NodeKey.open(server.data / "node.key")
    config = Config(data=server.data, root_key=ROOT_KEY, site=site)
    enrolment.install(config, certify(key, site=site))
    assert authority.read_key(ROOT_KEY) == ROOT.public
    return server


def install(url: str, statement: str) -> str:
    """Give a running server what the root key says of a tower key; the key's id."""
    answer = httpx.post(f"{url}/_bongsu/node/v1/tower_keys", json={"statement": statement}, trust_env=False)
    assert answer.status_code == 200, answer.text
    key: str = answer.json()["key"]
    return key


def pass_second_factor(user: Any) -> str:
    """Enrol the user and give a code; the secret."""
    path = "/_bongsu/client/v1/second_factor"
    secret: str = user.post(f"{path}/enrol")["secret"]
    user.post(path, body={"code": pyotp.TOTP(secret).now()})
    return secret
