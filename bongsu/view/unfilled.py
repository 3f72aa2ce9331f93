"""Scopes that are kept here and of which bodies lack: tokens say less of those. docs/decisions/backlogs.md.

Their records are on disk and in the vector, and nobody was shown them."""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bongsu.log.record import LogName, Record


@dataclass(frozen=True, slots=True)
class Group:
    """Scopes, and of each log the first record of theirs that was not shown."""

    scopes: frozenset[bytes]
    firsts: Mapping[LogName, int]


@dataclass(frozen=True, slots=True)
class _Coming:
    """What holds once the view has got to `position`: a scope is whole, or lacks of a log from `first` on."""

    position: int
    scope: bytes
    log: LogName | None
    first: int


class Unfilled:
    """Owned by the loop thread. What is on disk leads what is shown."""

    def __init__(self) -> None:
        # Of each scope and log the first record that was not shown, and the first whose body is not on disk.
        self._firsts: dict[bytes, dict[LogName, int]] = {}
        self._ahead: dict[bytes, dict[LogName, int]] = {}
        # Scopes of which something was shown since: of each a token says apart how much.
        self._partly: set[bytes] = set()
        self._coming: deque[_Coming] = deque()
        # Scopes of rooms that the view knows, so that it can say who is in them.
        self.rooms: Collection[bytes] = frozenset()

    def lacks(self, scope: bytes, firsts: Mapping[LogName, int]) -> None:
        """Bodies of a scope lack, of each log from a record on."""
        for known in (self._firsts.setdefault(scope, {}), self._ahead.setdefault(scope, {})):
            for log, seq in firsts.items():
                known[log] = min(seq, known.get(log, seq))

    def came(self, record: Record) -> None:
        """A record of a scope that lacked bodies is on disk with its body."""
        header, ahead = record.header, self._ahead.get(record.header.scope, {})
        first = ahead.get(record.log)
        # Only where none before it lacks: its header names the one before it of its scope and log.
        if first is not None and header.scope_link < first <= header.seq:
            ahead[record.log] = header.seq + 1
            self._coming.append(_Coming(record.position, header.scope, record.log, header.seq + 1))

    def whole(self, scope: bytes, position: int) -> None:
        """All bodies of a scope are here, and shown once the view has got to `position`."""
        self._ahead.pop(scope, None)
        self._coming.append(_Coming(position, scope, None, 0))

    def shown(self, position: int) -> None:
        """The view has got to this position."""
        while self._coming and self._coming[0].position <= position:
            each = self._coming.popleft()
            firsts = self._firsts.get(each.scope, {})
            if each.log is not None:
                firsts[each.log] = max(each.first, firsts.get(each.log, 0))
                self._partly.add(each.scope)
            elif again := self._ahead.get(each.scope):
                self._firsts[each.scope] = dict(again)  # others came without since
                self._partly.add(each.scope)
            else:
                self._firsts.pop(each.scope, None)
                self._partly.add(each.scope)
                if not self._firsts:
                    self._partly.clear()

    def groups(self, mine: Collection[bytes], position: int, apart_max: int) -> list[Group]:
        """What somebody was shown less of. Scopes of which nothing was shown for long stand together.

        Args:
            mine: the scopes of the rooms in which they are.
            position: up to where the view has got.
            apart_max: of how many it may be said apart.
        """
        self.shown(position)
        scopes = sorted(scope for scope in self._firsts if scope in mine or scope not in self.rooms)
        apart = [scope for scope in scopes if scope in self._partly][:apart_max]
        together = [scope for scope in scopes if scope not in apart]
        return [self._group(each) for each in (together, *([scope] for scope in apart)) if each]

    def _group(self, scopes: Collection[bytes]) -> Group:
        found: dict[LogName, int] = {}
        for scope in scopes:
            for log, seq in self._firsts[scope].items():
                found[log] = min(seq, found.get(log, seq))
        return Group(frozenset(scopes), found)

    def __contains__(self, scope: object) -> bool:
        return scope in self._firsts

    def __bool__(self) -> bool:
        return bool(self._firsts)
