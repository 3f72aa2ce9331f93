"""Forgetting devices: their sessions end, their name, keys and undelivered messages go."""

from bongsu import drafts
from bongsu.clock import next_stamp
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.view import keys, registers, sessions


async def forget_devices(node: Node, user_id: str, device_ids: list[str]) -> None:
    """End the devices' sessions and delete what is stored of them."""
    written: list[Draft] = []
    for device_id in device_ids:
        written += _forget(node, user_id, device_id)
    if written:
        await node.write(*written)


def _forget(node: Node, user_id: str, device_id: str) -> list[Draft]:
    context, now = node.context, node.now_ms()
    written: list[Draft] = []
    rows = sessions.of_device(context, user_id, device_id)
    if rows:
        written.append(drafts.session_end(user_id, [row.session for row in rows], next_stamp(now)))
    last = keys.last_stamp(context, user_id, device_id)
    # The device's register takes one-time keys and messages along (view/apply_keys.py).
    gone = [("device", "", device_id)]
    gone += [(family, "", device_id) for family in ("device_name", "device_keys")]
    gone += [
        ("signature", device_id, key2)
        for key2, _ in registers.under(context, "signature", user_id, device_id)
    ]
    for family in ("fallback_key", "fallback_used"):
        gone += [
            (family, device_id, key2) for key2, _ in registers.under(context, family, user_id, device_id)
        ]
    for family, key1, key2 in gone:
        if family == "device" or registers.get(context, family, user_id, key1, key2) is not None:
            stamp = registers.stamp_after(context, max(now, last + 1), family, user_id, key1, key2)
            written.append(drafts.register(family, user_id, key1, key2, None, stamp, public=True))
    return written
