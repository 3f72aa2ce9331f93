"""The one way into the view: records become rows, in the order they arrived, one transaction a batch."""

from collections.abc import Callable, Sequence
from typing import Any

from bongsu.authority import permits
from bongsu.canonical import read_trusted
from bongsu.log.record import Kind, Record
from bongsu.view.apply_account import (
    apply_password,
    apply_register,
    apply_session,
    apply_session_end,
    apply_user,
)
from bongsu.view.apply_event import apply_event
from bongsu.view.apply_key_backup import apply_backup_keys
from bongsu.view.apply_keys import apply_key_claim, apply_one_time_keys
from bongsu.view.apply_media import apply_media
from bongsu.view.apply_node import apply_node, certificate_of
from bongsu.view.apply_receipt import apply_receipt
from bongsu.view.apply_report import apply_report
from bongsu.view.apply_to_device import apply_to_device, apply_to_device_covered
from bongsu.view.changes import Changes
from bongsu.view.context import Context

Apply = Callable[[Context, Record, dict[str, Any], Changes], None]

APPLY: dict[int, Apply] = {
    Kind.NODE: apply_node,
    Kind.EVENT: apply_event,
    Kind.REGISTER: apply_register,
    Kind.USER: apply_user,
    Kind.PASSWORD: apply_password,
    Kind.SESSION: apply_session,
    Kind.SESSION_END: apply_session_end,
    Kind.RECEIPT: apply_receipt,
    Kind.MEDIA: apply_media,
    Kind.REPORT: apply_report,
    Kind.ONE_TIME_KEYS: apply_one_time_keys,
    Kind.KEY_CLAIM: apply_key_claim,
    Kind.TO_DEVICE: apply_to_device,
    Kind.TO_DEVICE_COVERED: apply_to_device_covered,
    Kind.BACKUP_KEYS: apply_backup_keys,
}


def apply_records(context: Context, records: Sequence[Record]) -> Changes:
    """Apply committed records. Kinds this release does not know are carried unread.

    Returns:
        whom the batch concerns.
    """
    changes = Changes()
    context.db.begin()
    try:
        context.hollows.forget_gone()
        for record in records:
            _apply(context, record, changes)
            while changes.retry:
                changes.waited = True
                _apply(context, context.log.read(changes.retry.pop(0)), changes)
            changes.waited = False
        context.db.advance(records[-1].position)
    except BaseException:
        context.db.rollback()
        context.live.forget_all()
        context.events.forget_all()
        context.states.forget_all()
        context.certificates.clear()
        context.hollows.rolled_back()
        context.notices.clear()
        context.memberships.forget_all()
        context.always_shared.clear()
        raise
    context.db.commit()
    context.hollows.committed()
    return changes


def _apply(context: Context, record: Record, changes: Changes) -> None:
    apply = APPLY.get(record.header.kind)
    if apply is None or record.body is None:
        return
    certificate = certificate_of(context, record.log.node)
    if not permits(certificate, record.header.kind, resident=False):
        row = (record.position, record.log.node)
        context.db.run("INSERT OR IGNORE INTO unauthorised VALUES(?,?)", row)
        return
    apply(context, record, read_trusted(record.body), changes)


def catch_up(context: Context, progress: Callable[[int, int], None], batch: int = 500) -> None:
    """Apply every record beyond the cursor: after a crash a few, after a rebuild all.

    `progress` is told (done, total) positions after each batch.
    """
    head = context.log.head_position
    while True:
        records = context.log.after(context.db.cursor, batch)
        if not records:
            return
        apply_records(context, records)
        progress(records[-1].position, head)
