"""What applying a record and reading the view share: tables, caches and the log."""

from dataclasses import dataclass

from bongsu import limits
from bongsu.authority import Certificate
from bongsu.log.store import LogStore
from bongsu.view.cache import Cache
from bongsu.view.db import Database
from bongsu.view.events import Events, States
from bongsu.view.hollows import Hollows
from bongsu.view.live import LiveRooms
from bongsu.view.memberships import Memberships
from bongsu.view.notices import Notices
from bongsu.view.touched import Touched


@dataclass(frozen=True, slots=True)
class Context:
    """One node's view. Owned by the loop thread."""

    db: Database
    log: LogStore
    events: Events
    states: States
    live: LiveRooms
    touched: Touched
    notices: Notices
    certificates: dict[bytes, Certificate]
    hollows: Hollows
    memberships: Memberships
    # Rooms whose every setting showed all history to members (view/visibility.py).
    always_shared: Cache[int, bool]

    @classmethod
    def build(cls, db: Database, log: LogStore) -> "Context":
        """Wire the parts of a view over its database and its node's log."""
        events = Events(db, log)
        states = States(db)
        live = LiveRooms(db, events, states)
        touched = Touched(db.cursor)
        hollows = Hollows(db, log)
        shared: Cache[int, bool] = Cache(limits.LIVE_ROOMS_MAX)
        return cls(db, log, events, states, live, touched, Notices(), {}, hollows, Memberships(db), shared)
