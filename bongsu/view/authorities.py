"""Queries: which node has which authority, as the records that are applied say (DESIGN 5.2)."""

from bongsu import authority
from bongsu.authority import Certificate, Revocation
from bongsu.errors import MatrixError
from bongsu.log.record import Record
from bongsu.log.store import LogStore
from bongsu.view.db import Database


class Authorities:
    """Certificates and revocations of one view. Written by `apply_node` alone."""

    def __init__(self, db: Database, log: LogStore, root_key: bytes | None) -> None:
        self.root_key = root_key
        self._db = db
        self._log = log
        # Records up to here were on disk before the first of this context was judged.
        self.known_position = log.head_position if db.cursor == 0 else db.cursor
        self._certificates: dict[bytes, Certificate] = {}
        self._revocations: dict[bytes, Revocation] | None = None

    def certificate(self, node: bytes) -> Certificate | None:
        """What a node is, or None if nobody with authority has said so yet."""
        known = self._certificates.get(node)
        if known is None:
            row = self._db.one("SELECT role, site, certificate FROM nodes WHERE node=?", (node,))
            if row is None:
                return None
            known = self._certificates[node] = self._certificate(node, *row)
        return known

    def certificates(self) -> list[Certificate]:
        """Of every node that has one, by site and node."""
        nodes = self._db.all("SELECT node FROM nodes ORDER BY site, node")
        return [found for (node,) in nodes if (found := self.certificate(node)) is not None]

    def revocations(self) -> dict[bytes, Revocation]:
        """Those in force, by node."""
        if self._revocations is None:
            self._revocations = {}
            if self.root_key is not None:
                rows = self._db.all("SELECT node, text FROM revocations")
                self._revocations = {
                    node: authority.read_revocation(self.root_key, text) for node, text in rows
                }
        return self._revocations

    def is_lost_hub(self, node: bytes) -> bool:
        """Whether this hub was shut out: whoever took it may have seen what was typed there."""
        found = self.certificate(node)
        return found is not None and found.role == authority.HUB and node in self.revocations()

    def within_cut(self, record: Record) -> bool:
        """Whether the record's author is not revoked, or the record lies before the cut.

        A cut names a hash. A log that has another one there is another history than the one the root key
        let stand, and nothing of it counts.
        """
        revocation = self.revocations().get(record.log.node)
        if revocation is None:
            return True
        cut = revocation.cut(record.log)
        if cut is None or record.header.seq > cut.seq:
            return False
        held = self._log.log_records(record.log, cut.seq, 1)
        return not held or held[0].hash == cut.hash

    def contradicts_cut(self, record: Record) -> bool:
        """Whether the record shows, only now, that earlier ones of its log are not those the cut meant."""
        revocation = self.revocations().get(record.log.node)
        cut = None if revocation is None else revocation.cut(record.log)
        if cut is None or record.header.seq != cut.seq or record.position <= self.known_position:
            return False
        return record.hash != cut.hash

    @property
    def stale(self) -> bool:
        """Whether the rows hold what a revocation undoes: the view is to be derived again."""
        return bool(self._db.value("SELECT stale FROM authority"))

    def forget(self) -> None:
        """Read everything again: the tables have changed."""
        self._certificates.clear()
        self._revocations = None

    def restart(self) -> None:
        """The tables were derived again, with all that is on disk known from the start."""
        self.known_position = self._log.head_position
        self.forget()

    def _certificate(self, node: bytes, role: str, site: str, text: str) -> Certificate:
        if not text or self.root_key is None:
            return Certificate(node, role, site)
        read = authority.read_certificate(self.root_key, text)
        return Certificate(
            node,
            role,
            site,
            read.public_key,
            read.issued_ms,
            read.expires_ms,
            read.delegates,
            read.issuer,
            text,
        )


def root_key_of(db: Database) -> bytes | None:
    """The root key that the rows were derived under."""
    key = db.value("SELECT root_key FROM authority")
    return None if key is None else bytes(key)


def readable(root_key: bytes, text: object) -> Certificate | None:
    """The certificate, or None for what is none in this service: anybody may write anything."""
    try:
        return authority.read_certificate(root_key, text) if isinstance(text, str) else None
    except MatrixError:
        return None
