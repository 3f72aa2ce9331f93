"""Queries: for whom which hub may write, as the records that are applied say (DESIGN 5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu import limits
from bongsu.authority import CORE, Certificate
from bongsu.canonical import read_trusted
from bongsu.log.record import LogName, Record
from bongsu.speakers import site_of
from bongsu.view.cache import Cache
from bongsu.view.db import Database

# Up to which seq of each (epoch, lane) of a hub its records for a user count; None: all of them.
Ends = Mapping[tuple[int, int], int] | None


@dataclass(frozen=True, slots=True)
class Residency:
    """Whether a user was ever a resident of a hub, and where that ends."""

    known: bool
    ends: Ends

    def counts(self, record: Record) -> bool:
        """Whether a record of the hub lies before the end."""
        return effective(self.ends, record.log, record.header.seq) == record.header.seq

    @property
    def lasts(self) -> bool:
        """Whether the user is a resident now."""
        return self.known and self.ends is None


_NEVER = Residency(known=False, ends=None)
_ALWAYS = Residency(known=True, ends=None)


def read_ends(listed: list[list[int | str]] | None) -> Ends:
    """Ends as a record or a row holds them.

    Raises:
        ValueError: an epoch is no number in hex.
    """
    if listed is None:
        return None
    return {(int(str(epoch), 16), int(lane)): int(seq) for epoch, lane, seq in listed}


def effective(ends: Ends, log: LogName, seq: int) -> int:
    """How many of a log's first `seq` records count."""
    return seq if ends is None else min(seq, ends.get((log.epoch, int(log.lane)), 0))


class Residencies:
    """Residents of one view. Written by `apply_residency` alone."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: Cache[tuple[bytes, str], Residency] = Cache(limits.USERS_IN_MEMORY_MAX)
        self._any_end: bool | None = None

    def of(self, certificate: Certificate, user_id: str) -> Residency:
        """What a user is to the hub of this certificate; a core node may write for everybody."""
        if certificate.role == CORE:
            return _ALWAYS
        key = (certificate.node, user_id)
        found = self._known.get(key)
        if found is None:
            known = self.is_own(certificate, user_id) or self._db.one(
                "SELECT 1 FROM residents WHERE node=? AND user_id=?", key
            )
            found = Residency(known=True, ends=self.ends(*key)) if known else _NEVER
            self._known.put(key, found)
        return found

    def is_own(self, certificate: Certificate, user_id: str) -> bool:
        """Whether the name carries the hub's suffix: nobody need be asked about such a name."""
        if certificate.role == CORE:
            return True
        key = (certificate.node, site_of(user_id))
        return key[1] is not None and bool(
            self._db.one("SELECT 1 FROM hub_sites WHERE node=? AND site=?", key)
        )

    def ends(self, node: bytes, user_id: str) -> Ends:
        """Where a user's residency ends, by the latest word on it."""
        text = self._db.value("SELECT ends FROM residency_ends WHERE node=? AND user_id=?", (node, user_id))
        return None if text is None else read_ends(read_trusted(text.encode()))

    def stamp(self, node: bytes, user_id: str) -> int:
        """Of the latest word on a user and hub; 0: there is none."""
        sql = "SELECT stamp FROM residency_ends WHERE node=? AND user_id=?"
        return int(self._db.value(sql, (node, user_id)) or 0)

    @property
    def any_end(self) -> bool:
        """Whether any residency has ended."""
        if self._any_end is None:
            self._any_end = self._db.one("SELECT 1 FROM residency_ends WHERE ends IS NOT NULL") is not None
        return self._any_end

    def residents(self, certificate: Certificate) -> list[str]:
        """Whose rooms the hub of this certificate keeps now, by user id."""
        found = self._db.all(
            "SELECT user_id FROM residents WHERE node=? UNION SELECT user_id FROM suffixed"
            " WHERE suffix IN (SELECT site FROM hub_sites WHERE node=?)",
            (certificate.node, certificate.node),
        )
        return sorted(user_id for (user_id,) in found if self.of(certificate, user_id).lasts)

    def forget(self) -> None:
        """Read everything again: the tables have changed."""
        self._known.clear()
        self._any_end = None
