"""What a site with a valid key may write that no honest node would."""

import random

from bongsu import drafts
from bongsu.canonical import json_bytes
from bongsu.log.record import Draft, Kind, Lane, service_scope
from bongsu.sim.site import NAME, Site

SOMEBODY = f"@kim:{NAME}"


def lie(site: Site, rnd: random.Random) -> list[Draft]:
    """Some records."""
    stamp = rnd.choice([0, 1, site.node.now_ms(), 2**52, 2**53 - 1])
    kind = rnd.choice([kind for kind in Kind if kind != Kind.EPOCH])
    chosen = rnd.randrange(5)
    if chosen == 0:
        return [Draft(kind, service_scope(), Lane.TEXT, stamp, rnd.randbytes(rnd.randrange(60)))]
    if chosen == 1:
        return [Draft(kind, service_scope(), Lane.TEXT, stamp, json_bytes(_body(rnd)))]
    if chosen == 2:
        pdu = {"type": "m.room.message", "room_id": "!none:x", "sender": SOMEBODY, **_body(rnd)}
        return [drafts.event("!none:x", stamp, pdu, None)]
    if chosen == 3:
        value: object = rnd.choice([None, 1, "text", [], {"display_name": 3}])
        family = rnd.choice(
            ["profile", "device", "account_data", "fallback_key", "alias", "key_backup", "site"]
        )
        return [
            drafts.register(family, SOMEBODY, "", rnd.choice(["DKIM", "m.push_rules", "x"]), value, stamp)
        ]
    rooms = [room for (room,) in site.node.context.db.all("SELECT room_id FROM rooms ORDER BY room")]
    room_id = rnd.choice(rooms) if rooms else "!none:x"
    return [drafts.receipt(room_id, SOMEBODY, "m.read", "", "$none", [], 1, stamp)]


def _body(rnd: random.Random) -> dict[str, object]:
    """An object with some fields of the right name and the wrong kind."""
    names = ["event", "user_id", "device_id", "keys", "key", "family", "owner", "value", "session", "vector"]
    values: list[object] = [None, 1, "text", [], {}, ["a", 1], {"type": 3, "content": []}, -(2**53)]
    return {name: rnd.choice(values) for name in rnd.sample(names, rnd.randrange(6))}
