"""Nodes become rows: who may author what, where they are cut, and what waits for that (DESIGN 5.2)."""

from typing import Any

from bongsu import authority
from bongsu.authority import Certificate, Revocation
from bongsu.errors import MatrixError
from bongsu.log.record import LogName, Record
from bongsu.view.authorities import readable
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_node(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """NODE: counts by the certificate it carries, whoever carries it.

    Without a root key the store believes its own node's word, and nobody else's.
    """
    certificate = _certificate(context, record, body)
    if certificate is None or _issuer_is_revoked(context, certificate):
        return
    found = context.db.one(
        "SELECT role, site, issued_ms, certificate FROM nodes WHERE node=?", (certificate.node,)
    )
    before = None if found is None else context.authorities.certificate(certificate.node)
    site, issued_ms, text = certificate.site, certificate.issued_ms, certificate.text
    if found is not None and (found[2], found[3]) > (issued_ms, text):
        # An older certificate, shown again: it adds its role and changes nothing else.
        site, issued_ms, text = found[1:]
    role = authority.widest(before, certificate)
    context.db.run(
        "INSERT OR REPLACE INTO nodes VALUES(?,?,?,?,?)", (certificate.node, role, site, issued_ms, text)
    )
    if certificate.role == authority.HUB:
        context.db.run("INSERT OR IGNORE INTO hub_sites VALUES(?,?)", (certificate.node, certificate.site))
    context.authorities.forget()
    context.residencies.forget()
    changes.admitted.append((certificate.node, None))
    changes.interest = True


def _certificate(context: Context, record: Record, body: dict[str, Any]) -> Certificate | None:
    if context.authorities.root_key is not None:
        return readable(context.authorities.root_key, body.get("certificate"))
    if record.log.node != context.log.key.node:
        return None
    return Certificate(record.log.node, body["role"], body["site"])


def _issuer_is_revoked(context: Context, certificate: Certificate) -> bool:
    """Which certificates a thief signed nobody can tell, so none of a revoked delegate counts."""
    return certificate.issuer is not None and certificate.issuer in context.authorities.revocations()


def apply_revocation(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """REVOCATION: the latest of a node stands. Rows that it contradicts make the view stale."""
    if context.authorities.root_key is None:
        return
    try:
        revocation = authority.read_revocation(context.authorities.root_key, body.get("revocation", ""))
    except MatrixError:
        return
    before = context.authorities.revocations().get(revocation.node)
    if not revocation.replaces(before):
        return
    if _contradicted(context, before, revocation):
        # Who vouched for which event is found anew: it may be that node that is revoked now.
        context.db.run("DELETE FROM vouched")
        # And a lost event that came may count no more.
        context.db.run("DELETE FROM found")
        mark_stale(context)
    row = (revocation.node, revocation.number, revocation.text)
    context.db.run("INSERT OR REPLACE INTO revocations VALUES(?,?,?)", row)
    context.authorities.forget()
    changes.interest = True
    if context.authorities.is_lost_hub(revocation.node):
        _end_sessions_made_at(context, revocation.node, changes)


def _end_sessions_made_at(context: Context, node: bytes, changes: Changes) -> None:
    found = context.db.all("SELECT session FROM sessions WHERE author=? AND ended=0", (node,))
    context.db.run_many("UPDATE sessions SET ended=1 WHERE session=?", found)
    context.db.run_many("DELETE FROM tokens WHERE session=?", found)
    changes.ended_sessions.update(session for (session,) in found)


def mark_stale(context: Context) -> None:
    """The rows hold what no longer counts, or lack what does: they are to be derived again."""
    context.db.run("UPDATE authority SET stale=1")


def _contradicted(context: Context, before: Revocation | None, now: Revocation) -> bool:
    """Whether any record that is held lies between the cuts, or what a delegate signed counted."""
    if before is None and _has_signed(context, now.node):
        return True
    return any(
        _effective(context, before, log, seq) != _effective(context, now, log, seq)
        for log, seq in context.log.held_of(now.node)
    )


def _effective(context: Context, revocation: Revocation | None, log: LogName, held_seq: int) -> int:
    """How many of the records that are held of a log count."""
    if revocation is None:
        return held_seq
    cut = revocation.cut(log)
    if cut is None:
        return 0
    if cut.seq > held_seq:
        return held_seq
    (last,) = context.log.log_records(log, cut.seq, 1)
    return cut.seq if last.hash == cut.hash else 0


def _has_signed(context: Context, node: bytes) -> bool:
    return any(each.issuer == node for each in context.authorities.certificates())


def certificate_of(context: Context, node: bytes) -> Certificate | None:
    """What a node is, or None if nobody with authority has said so yet."""
    return context.authorities.certificate(node)
