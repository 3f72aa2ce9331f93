"""The unread counts of a room in /sync. Spec: § Receiving notifications, § Threads."""

from typing import Any

from bongsu.sync.filter import EventFilter
from bongsu.view.context import Context
from bongsu.view.memberships import Member
from bongsu.view.unread import unread


def unread_fields(context: Context, member: Member, filter_: EventFilter) -> dict[str, Any]:
    """`unread_notifications`, and by thread if the filter asks: then the former is the main timeline's."""
    counts = unread(context, member)
    if not filter_.unread_thread_notifications:
        return {"unread_notifications": _fields(*_sum(counts.values()))}
    fields: dict[str, Any] = {"unread_notifications": _fields(*counts.get("main", (0, 0)))}
    threads = {thread: _fields(*count) for thread, count in counts.items() if thread != "main"}
    if threads:
        fields["unread_thread_notifications"] = threads
    return fields


def _sum(counts: Any) -> tuple[int, int]:
    pairs = list(counts)
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _fields(notified: int, highlighted: int) -> dict[str, int]:
    return {"notification_count": notified, "highlight_count": highlighted}
