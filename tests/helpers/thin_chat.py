"""Records of a chat as nodes write them, without a node: what a thin link has to carry."""

import base64
import random
from collections.abc import Iterable

from bongsu import drafts
from bongsu.bearer.bundle import Bundle
from bongsu.log.record import Draft, ForeignRecord, Header, Lane, body_hash, scope_id
from bongsu.room.build import build
from bongsu.room.event import Event
from bongsu.room.versions import VERSIONS

ROOM = "!" + "R" * 42 + "A"
KOREAN = "강릉 상황실입니다. 지금 모두 무사해요"  # 21 characters, as they are typed
START_MS = 1_790_000_000_000


def random_base64(chance: random.Random, size: int) -> str:
    return base64.b64encode(chance.randbytes(size)).rstrip(b"=").decode()


class Chat:
    """One node's text lane, and the events of one room in it; several may share the room."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.key = self.chance.randbytes(32)
        self.now_ms = START_MS
        self.seq = 0
        self.links: dict[bytes, int] = {}
        self.count = 0
        self.auth = ["$" + "a" * 42 + "A", "$" + "b" * 42 + "A"]
        self.heads: list[Event] = []

    def place(self, draft: Draft) -> ForeignRecord:
        """The record of a draft, behind the last one."""
        self.seq += 1
        assert isinstance(draft.scope, str)
        scope = scope_id(draft.scope)
        header = Header(
            self.seq, draft.kind, scope, self.links.get(scope, 0), draft.stamp, body_hash(draft.body)
        )
        self.links[scope] = self.seq
        return ForeignRecord(header, draft.body)

    def say(
        self, content: dict[str, object], sender: str = "kim", event_type: str = "m.room.message"
    ) -> Draft:
        """An event of the room, on what was said last."""
        self.now_ms += self.chance.randrange(1_000, 90_000)
        self.count += 1
        event = build(
            VERSIONS["12"],
            room_id=ROOM,
            sender=f"@{sender}:talk.example.kr",
            type=event_type,
            content=dict(content),
            prev_events=[each.event_id for each in self.heads] or ["$" + "c" * 42 + "A"],
            auth_events=self.auth,
            depth=1 + max((each.depth for each in self.heads), default=40),
            origin_server_ts=self.now_ms,
        )
        self.heads = [event]
        path = f"/_matrix/client/v3/rooms/{ROOM}/send/{event_type}"
        sent_by = {"device_id": "ABCDEFGHIJ", "path": path, "txn_id": f"m{self.now_ms - 40}.{self.count}"}
        return drafts.event(ROOM, self.now_ms, event.pdu, sent_by)

    def text(self, body: str = KOREAN, sender: str = "kim") -> ForeignRecord:
        return self.place(self.say({"msgtype": "m.text", "body": body, "m.mentions": {}}, sender))

    def megolm(self, ciphertext_bytes: int, sender: str = "kim") -> ForeignRecord:
        keys = random.Random(sender)
        content = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "sender_key": random_base64(keys, 32),
            "ciphertext": random_base64(self.chance, ciphertext_bytes),
            "session_id": random_base64(keys, 32),
            "device_id": "ABCDEFGHIJ",
        }
        return self.place(self.say(content, sender, "m.room.encrypted"))

    def receipt(self, user: str = "lee") -> ForeignRecord:
        self.now_ms += 700
        target = self.heads[-1].event_id
        user_id = f"@{user}:talk.example.kr"
        return self.place(
            drafts.receipt(ROOM, user_id, "m.read", "", target, [target], self.now_ms, self.now_ms)
        )

    def bundle(self, records: Iterable[ForeignRecord]) -> Bundle:
        return Bundle(self.key, 77, Lane.TEXT, tuple(records), self.chance.randbytes(64))
