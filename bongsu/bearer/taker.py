"""The taking half of an exchange: what to ask the peer for, and room for what it gives. DESIGN 7. Pure."""

from bongsu import limits
from bongsu.bearer.giver import Ledger
from bongsu.bearer.message import Offer, Want
from bongsu.log.epoch import Held
from bongsu.log.record import Lane, LogName
from bongsu.log.vector import Vector, tag_of


class Taker:
    """What one peer is asked for. Bundles on their way to the disk are bounded by the window.

    There is no clock here: a want or a bundle that was lost is seen at the peer's next offer or done, and
    asked for again; a peer that gives nothing new is asked again only at its next offer.
    """

    def __init__(self, ledger: Ledger, *, window_bytes: int, lanes: frozenset[Lane]) -> None:
        self._ledger = ledger
        self._window = window_bytes
        self._lanes = lanes
        self.theirs = Vector.empty()
        self.want = 0
        self.consumed = 0  # bytes of the last want; the peer may give a window more than that
        self._arriving: dict[int, tuple[int, int]] = {}  # ticket: (want, bytes)
        self.arriving_bytes = 0
        self._ticket = 0
        self._taken = 0  # records since the last want
        self._flowed = False  # since the last offer
        self._done = False
        # Logs not asked for: until the peer's how manieth offer, and how often that was so.
        self._without: dict[LogName, tuple[int, int]] = {}
        self._offers = 0

    def offered(self, offer: Offer) -> Want | None:
        """The peer says what it holds."""
        self.theirs = offer.vector
        self._offers += 1
        known = self.want > 0 and offer.want == self.want
        if known and (offer.busy or self._flowed or self._arriving):
            self._flowed = False
            return None
        if self._arriving:
            return None  # the next offer shows what is still missing then
        if known and not self._lacks():
            return None
        return self._ask()

    def done(self, want: int) -> Want | None:
        """The peer has given all it was asked for."""
        if want == self.want:
            self._done = True
        return self._after_done()

    def given(self, want: int, log: LogName, size: int) -> int | None:
        """A bundle is here. Its ticket, or None if there is no room for it or its log is not trusted."""
        if self._is_distrusted(log) or self.arriving_bytes >= self._window:
            self._consume(want, size)
            return None
        self._ticket += 1
        self._arriving[self._ticket] = (want, size)
        self.arriving_bytes += size
        return self._ticket

    def settled(self, ticket: int, taken: int) -> None:
        """A bundle's records are on disk, `taken` of them new, or it was not stored."""
        want, size = self._arriving.pop(ticket)
        self.arriving_bytes -= size
        self._consume(want, size)
        self._taken += taken
        self._flowed = self._flowed or taken > 0

    def distrust(self, log: LogName) -> None:
        """Do not ask this peer for this log for a while; another may have it as its owner wrote it.

        Not for ever: it may have been the way that spoiled it. Each time the while doubles.
        """
        _, times = self._without.pop(log, (0, 0))
        self._without[log] = (self._offers + 2 ** min(times + 2, 12), times + 1)
        if len(self._without) > limits.EXCHANGE_WITHOUT_MAX:
            self._without.pop(next(iter(self._without)))

    def _is_distrusted(self, log: LogName) -> bool:
        return self._without.get(log, (0, 0))[0] > self._offers

    def after_settled(self) -> Want | None:
        """Ask again, if the peer was done before the disk was."""
        return self._after_done()

    def _after_done(self) -> Want | None:
        if not self._done or self._arriving:
            return None
        self._done = False
        # Without this, two nodes of which one cannot store what the other gives would never rest.
        return self._ask() if self._taken and self._lacks() else None

    def _consume(self, want: int, size: int) -> None:
        if want == self.want:
            self.consumed += size

    def _lacks(self) -> bool:
        gaps = self._ledger.vector().missing(self.theirs)
        if any(gap.lane is None or gap.lane in self._lanes for gap in gaps):
            return True
        # A log whose end is named here, held beyond it by the peer: its node came back from an old image.
        return any(
            log.lane in self._lanes and self._theirs(log, state) > state.seq
            for log, state in self._ledger.held().items()
        )

    def _theirs(self, log: LogName, state: Held) -> int:
        return self.theirs.listed(log.node, state.ordinal, tag_of(log.epoch), log.lane) or 0

    def _ask(self) -> Want:
        self.want += 1
        self.consumed = self._taken = 0
        self._flowed = self._done = False
        without = frozenset(filter(self._is_distrusted, self._without))
        return Want(self.want, self._window, self._lanes, self._ledger.vector(), without)
