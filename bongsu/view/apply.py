"""The one way into the view: records become rows, in the order they arrived, one transaction a batch."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bongsu import limits
from bongsu.authority import Certificate, permits
from bongsu.canonical import read_trusted
from bongsu.errors import MatrixError
from bongsu.log.record import Kind, Record
from bongsu.speakers import ANYBODY, speaker
from bongsu.view import waiting
from bongsu.view.apply_account import (
    apply_password,
    apply_register,
    apply_session,
    apply_session_end,
    apply_user,
)
from bongsu.view.apply_deferred import apply_deferred
from bongsu.view.apply_event import apply_cut_event, apply_event
from bongsu.view.apply_key_backup import apply_backup_keys
from bongsu.view.apply_keys import apply_key_claim, apply_one_time_keys
from bongsu.view.apply_media import apply_media, apply_media_end
from bongsu.view.apply_node import apply_node, apply_revocation, certificate_of, mark_stale
from bongsu.view.apply_receipt import apply_receipt
from bongsu.view.apply_report import apply_report
from bongsu.view.apply_residency import apply_residency
from bongsu.view.apply_to_device import apply_to_device, apply_to_device_covered
from bongsu.view.apply_tower import (
    apply_alert_brief,
    apply_statement,
    apply_tower_key,
    apply_tower_key_end,
)
from bongsu.view.apply_tower_users import (
    apply_admin_act,
    apply_alert_ack,
    apply_check_in,
    apply_check_request,
    apply_foreign_alert,
)
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.lost import apply_lost
from bongsu.view.shapes import fits

logger = logging.getLogger(__name__)

Apply = Callable[[Context, Record, dict[str, Any], Changes], None]
ApplyOne = Callable[[Context, Record, Changes], None]

# How code fails on a body that no honest node writes. A disk that fails is none of these.
MEANINGLESS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MatrixError,
    RecursionError,
    TypeError,
    ValueError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)

APPLY: dict[int, Apply] = {
    Kind.NODE: apply_node,
    Kind.REVOCATION: apply_revocation,
    Kind.RESIDENCY: apply_residency,
    Kind.EVENT: apply_event,
    Kind.REGISTER: apply_register,
    Kind.USER: apply_user,
    Kind.PASSWORD: apply_password,
    Kind.SESSION: apply_session,
    Kind.SESSION_END: apply_session_end,
    Kind.RECEIPT: apply_receipt,
    Kind.LOST: apply_lost,
    Kind.MEDIA: apply_media,
    Kind.MEDIA_END: apply_media_end,
    Kind.REPORT: apply_report,
    Kind.DEFERRED_SEND: apply_deferred,
    Kind.ONE_TIME_KEYS: apply_one_time_keys,
    Kind.KEY_CLAIM: apply_key_claim,
    Kind.TO_DEVICE: apply_to_device,
    Kind.TO_DEVICE_COVERED: apply_to_device_covered,
    Kind.BACKUP_KEYS: apply_backup_keys,
    Kind.TOWER_KEY: apply_tower_key,
    Kind.TOWER_KEY_END: apply_tower_key_end,
    Kind.ALERT: apply_statement,
    Kind.SAFETY_CALL: apply_statement,
    Kind.INCIDENT_ACT: apply_statement,
    Kind.ALERT_BRIEF: apply_alert_brief,
    Kind.ALERT_ACK: apply_alert_ack,
    Kind.CHECK_REQUEST: apply_check_request,
    Kind.CHECK_IN: apply_check_in,
    Kind.FOREIGN_ALERT: apply_foreign_alert,
    Kind.ADMIN_ACT: apply_admin_act,
}


def apply_records(context: Context, records: Sequence[Record]) -> Changes:
    """Apply committed records. Kinds this release does not know are carried unread.

    Returns:
        whom the batch concerns.
    """
    try:
        return _apply_batch(context, records, _apply)
    except MEANINGLESS:
        return _apply_batch(context, records, _apply_contained)


def _apply_batch(context: Context, records: Sequence[Record], apply: ApplyOne) -> Changes:
    changes = Changes()
    context.db.begin()
    try:
        context.hollows.forget_gone()
        context.empty.new_batch()
        for record in records:
            _apply_with_waiting(context, record, changes, apply)
        context.text_index.end_batch()
        context.db.advance(records[-1].position)
    except BaseException:
        context.db.rollback()
        context.forget_all()
        context.hollows.rolled_back()
        raise
    context.db.commit()
    context.hollows.committed()
    return changes


def _apply_contained(context: Context, record: Record, changes: Changes) -> None:
    """Apply a record so that it has no effect if it cannot be read, on its own node as on every other one.

    A site that lies must not stop the others: what its record broke is put back.
    """
    mark = context.hollows.mark()
    context.db.run("SAVEPOINT record")
    try:
        _apply(context, record, changes)
    except MEANINGLESS:
        name = record.log.node.hex()
        logger.exception("the record at position %d, of node %s, means nothing", record.position, name)
        context.db.run("ROLLBACK TO record")
        context.hollows.back_to(mark)
        context.forget_all()
    context.db.run("RELEASE record")


def _apply_with_waiting(context: Context, record: Record, changes: Changes, apply: ApplyOne) -> None:
    """Apply a record, and what waited for it: for the event it holds, or for the authority it brings."""
    apply(context, record, changes)
    # Their places are before that of the record that brought them.
    changes.waited = bool(changes.retry or changes.admitted)
    while changes.retry or changes.admitted:
        if changes.retry:
            position = changes.retry.pop(0)
            changes.released.append(position)
            apply(context, context.log.read(position), changes)
            waiting.waited(context, position, changes)
        else:
            _admit(context, changes.admitted[0], changes, apply)
    changes.waited = False


def _admit(context: Context, whose: tuple[bytes, str | None], changes: Changes, apply: ApplyOne) -> None:
    """Apply the next page of a node's records that waited for its certificate, or for a residency.

    At once and in the order of their arrival, so that a rebuild gives the same rows; page by page,
    because a node that nobody vouched for may have written without bound.
    """
    node, user_id = whose
    if certificate_of(context, node) is None:
        changes.admitted.pop(0)
        return
    sql = "SELECT position FROM unauthorised WHERE node=? AND position>?"
    parameters: tuple[Any, ...] = (node, changes.admitted_to.get(whose, 0))
    if user_id is not None:
        sql, parameters = f"{sql} AND speaker=?", (*parameters, user_id)
    rows = context.db.all(f"{sql} ORDER BY position LIMIT ?", (*parameters, limits.ADMITTED_AT_ONCE))
    if not rows:
        changes.admitted_to.pop(whose, None)
        changes.admitted.pop(0)
        return
    positions = [position for (position,) in rows]
    context.db.run_many("DELETE FROM unauthorised WHERE position=?", rows)
    changes.admitted_to[whose] = positions[-1]
    for record in context.log.read_many(positions):
        apply(context, record, changes)


def _apply(context: Context, record: Record, changes: Changes) -> None:
    if context.authorities.contradicts_cut(record):
        mark_stale(context)
    apply = APPLY.get(record.header.kind)
    body = None if apply is None or record.body is None else _body(record)
    if apply is None or body is None:
        return
    kind = record.header.kind
    certificate = certificate_of(context, record.log.node)
    user_id = speaker(kind, body, record.log.node)
    resident, within = _standing(context, certificate, record, user_id)
    within = within and context.authorities.within_cut(record)
    if permits(certificate, kind, resident=resident, within_cut=within):
        apply(context, record, body, changes)
    elif kind == Kind.EVENT and not within and permits(certificate, kind, resident=resident):
        # Events that stand may name it, so it has its place, and no effect.
        apply_cut_event(context, record, body, changes)
    else:
        row = (record.position, record.log.node, user_id or "")
        context.db.run("INSERT OR IGNORE INTO unauthorised VALUES(?,?,?)", row)


def _standing(
    context: Context, certificate: Certificate | None, record: Record, user_id: str | None
) -> tuple[bool, bool]:
    """Whether the record speaks for a resident of its author, and lies before the end of that."""
    if certificate is None or user_id is None:
        return False, True
    if user_id == ANYBODY:
        return True, True
    if record.header.kind == Kind.USER and not context.residencies.is_own(certificate, user_id):
        # That anybody else's name exists is not a hub's to say.
        return False, True
    residency = context.residencies.of(certificate, user_id)
    return residency.known, residency.counts(record)


def _body(record: Record) -> dict[str, Any] | None:
    """The body, or None for one that says nothing: it is carried, and that is all."""
    try:
        body: dict[str, Any] = read_trusted(record.body or b"")
    except (msgspec.DecodeError, RecursionError):
        return None
    return body if fits(record.header.kind, body) else None


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
