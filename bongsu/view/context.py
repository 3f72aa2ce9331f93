"""What applying a record and reading the view share: tables, caches and the log."""

from collections.abc import Callable
from dataclasses import dataclass

from bongsu import limits
from bongsu.clock import SystemClock
from bongsu.log.store import LogStore
from bongsu.view.authorities import Authorities, root_key_of
from bongsu.view.cache import Cache
from bongsu.view.db import Database
from bongsu.view.empty import EmptyTables
from bongsu.view.events import Events, States
from bongsu.view.hollows import Hollows
from bongsu.view.live import LiveRooms
from bongsu.view.losses import Losses
from bongsu.view.memberships import Memberships
from bongsu.view.notices import Notices
from bongsu.view.residencies import Residencies
from bongsu.view.text_index import TextIndex
from bongsu.view.touched import Touched
from bongsu.view.tower import Tower
from bongsu.view.twins import Twins


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
    authorities: Authorities
    residencies: Residencies
    hollows: Hollows
    memberships: Memberships
    twins: Twins
    tower: Tower
    lost: Losses
    empty: EmptyTables
    text_index: TextIndex
    # Rooms whose every setting showed all history to members (view/visibility.py).
    always_shared: Cache[int, bool]

    @classmethod
    def build(
        cls,
        db: Database,
        log: LogStore,
        root_key: bytes | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> "Context":
        """Wire the parts of a view over its database and its node's log.

        `root_key` None: a service of one node, which believes itself.
        """
        assert db.cursor == 0 or root_key_of(db) == root_key, "the rows were derived under another root key"
        if db.cursor == 0:
            db.run("UPDATE authority SET root_key=?", (root_key,))
        events = Events(db, log)
        states = States(db)
        live = LiveRooms(db, events, states)
        # With one node there is nobody whose revocation could bring a superseded body back.
        hold_ms = 0 if root_key is None else limits.HOLLOW_HOLD_MS
        return cls(
            db,
            log,
            events,
            states,
            live,
            Touched(db.cursor),
            Notices(),
            Authorities(db, log, root_key),
            Residencies(db),
            Hollows(db, log, now_ms or SystemClock().now_ms, hold_ms),
            Memberships(db),
            Twins(db),
            Tower(db, root_key),
            Losses(db),
            EmptyTables(db),
            TextIndex(db),
            Cache(limits.LIVE_ROOMS_MAX),
        )

    def forget_all(self) -> None:
        """Forget what is in memory: the tables are not what it was read from."""
        self.live.forget_all()
        self.events.forget_all()
        self.states.forget_all()
        self.authorities.forget()
        self.residencies.forget()
        self.notices.clear()
        self.memberships.forget_all()
        self.twins.forget()
        self.tower.forget()
        self.lost.forget()
        self.empty.forget()
        self.text_index.forget()
        self.always_shared.clear()
