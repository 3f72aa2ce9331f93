"""A day of a service of 500 people as records: bodies of the sizes and the randomness of real ones."""

import base64
import json
import random
from dataclasses import dataclass

from bongsu.log.record import Draft, Kind, Lane, private_scope, room_scope

PEOPLE = 500
EVENTS_A_DAY = 6
RECEIPTS_A_DAY = 20
TO_DEVICE_A_DAY = 10
WORDS = [
    "회의",
    "시간",
    "변경",
    "확인",
    "부탁",
    "드립니다",
    "네",
    "알겠습니다",
    "오늘",
    "대피소",
    "물",
    "담요",
    "필요",
    "합니다",
    "도착",
    "했습니다",
]


@dataclass(frozen=True)
class Written:
    """A draft, and after how many more records its body goes hollow (None: never)."""

    draft: Draft
    hollow_after: int | None


class Year:
    """Draws records at random from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ts = 1_790_000_000_000
        self.heads: dict[str, str] = {}
        self.auth: dict[str, list[str]] = {}

    def base64(self, count: int) -> str:
        return base64.b64encode(self.random.randbytes(count)).decode().rstrip("=")

    def identifier(self) -> str:
        return "$" + self.base64(32).replace("+", "-").replace("/", "_")

    def room(self) -> str:
        return "!" + base64.b64encode(
            random.Random(self.random.randrange(200)).randbytes(32)
        ).decode().rstrip("=")

    def user(self) -> str:
        return f"@user{self.random.randrange(PEOPLE)}:talk.example.kr"

    def day_of_one(self) -> list[Written]:
        """What one person writes in a day, mixed."""
        self.ts += self.random.randrange(1_000, 200_000)
        written = [Written(self.event(), None) for _ in range(EVENTS_A_DAY)]
        written += [Written(self.receipt(), 4_000) for _ in range(RECEIPTS_A_DAY)]
        written += [Written(self.to_device(), 2_000) for _ in range(TO_DEVICE_A_DAY)]
        self.random.shuffle(written)
        return written

    def event(self) -> Draft:
        room, device = self.room(), self.base64(7)
        event_id, auth = self.identifier(), self.auth.setdefault(room, [self.identifier() for _ in range(2)])
        text = " ".join(self.random.choices(WORDS, k=self.random.randrange(2, 12)))
        pdu = {
            "auth_events": auth,
            "content": {"body": text, "m.mentions": {}, "msgtype": "m.text"},
            "depth": self.random.randrange(9_999),
            "hashes": {"sha256": self.base64(32)},
            "origin_server_ts": self.ts,
            "prev_events": [self.heads.get(room, event_id)],
            "room_id": room,
            "sender": self.user(),
            "type": "m.room.message",
        }
        self.heads[room] = event_id
        sent_by = {
            "device_id": device,
            "path": f"/rooms/{room}/send/m.room.message",
            "txn_id": f"m{self.ts}.1",
        }
        return self.draft(Kind.EVENT, room_scope(room), {"event": pdu, "sent_by": sent_by})

    def receipt(self) -> Draft:
        room = self.room()
        head = self.heads.get(room, "$")
        body = {"event_id": head, "heads": [head], "room_id": room, "thread": "", "ts": self.ts}
        return self.draft(Kind.RECEIPT, room_scope(room), {**body, "type": "m.read", "user_id": self.user()})

    def to_device(self) -> Draft:
        user = self.user()
        content = {
            "algorithm": "m.olm.v1.curve25519-aes-sha2",
            "ciphertext": {self.base64(32): {"body": self.base64(400), "type": 1}},
            "sender_key": self.base64(32),
        }
        body = {"content": content, "recipient": user, "sender": self.user(), "type": "m.room.encrypted"}
        return self.draft(Kind.TO_DEVICE, private_scope(user), {**body, "txn_id": f"m{self.ts}.2"})

    def draft(self, kind: Kind, scope: str, body: object) -> Draft:
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        return Draft(kind, scope, Lane.TEXT, self.ts, raw)
