"""Forgetting devices: their sessions end, their name and keys go."""

from bongsu import drafts
from bongsu.clock import next_stamp
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.view import registers, sessions


async def forget_devices(node: Node, user_id: str, device_ids: list[str]) -> None:
    """End the devices' sessions and delete what is stored of them."""
    written: list[Draft] = []
    now = node.now_ms()
    for device_id in device_ids:
        rows = sessions.of_device(node.context, user_id, device_id)
        if rows:
            written.append(drafts.session_end(user_id, [row.session for row in rows], next_stamp(now)))
        stamp = registers.stamp_after(node.context, now, "device", user_id, "", device_id)
        written.append(drafts.register("device", user_id, "", device_id, None, stamp, public=True))
    if written:
        await node.write(*written)
