"""Queries: tower keys, alerts, incidents and calls, judged as the applied records say (DESIGN 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from bongsu.canonical import read_trusted
from bongsu.tower import brief as briefs
from bongsu.tower import signed
from bongsu.tower.alert import Alert, State, judge, warns
from bongsu.tower.incident import Act, Incident, incidents
from bongsu.tower.keys import KeyEnd, Keyring, TowerKey, read_end, read_key
from bongsu.view.db import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert and what became of it. `changed`: the position at which that was last other."""

    id: str
    content: dict[str, Any]
    state: State
    signers: tuple[str, ...]
    changed: int
    # Only the brief has come, by radio; the whole alert follows.
    brief: bool = False

    def warns_at(self, now_ms: int) -> bool:
        """Whether people are to be told of it at that time."""
        return self.state is State.STANDING and int(self.content["expires"]) > now_ms and warns(self.content)


@dataclass(frozen=True, slots=True)
class Call:
    """A question of the tower who is safe."""

    id: str
    content: dict[str, Any]
    changed: int


class Tower:
    """What one view says of the tower. Read once after each change; written by `apply_tower` alone."""

    def __init__(self, db: Database, root_key: bytes | None) -> None:
        self._db = db
        self._root_key = root_key
        self._known: dict[str, Any] = {}

    def forget(self) -> None:
        """The tables have changed."""
        self._known.clear()

    def keyring(self) -> Keyring:
        """Every tower key of the service."""
        return self._once("keys", self._read_keyring)

    def alerts(self) -> dict[str, Shown]:
        """Every alert that somebody signed who has a key, by id, the latest first."""
        return self._once("alerts", self._read_alerts)

    def incidents(self) -> dict[str, Incident]:
        """Every incident by id, the latest first."""
        return self._once(
            "incidents", lambda: {each.id: each for each in incidents(self._acts(), self.keyring())}
        )

    def calls(self) -> dict[str, Call]:
        """Every question who is safe that counts, by id, the latest first."""
        return self._once("calls", self._read_calls)

    def exercises(self) -> frozenset[str]:
        """The questions who is safe of exercises and tests, whoever signed them: their words make the id."""
        return self._once("exercises", self._read_exercises)

    def other_calls(self, name: str) -> frozenset[str]:
        """The questions of the other sort: exercises to a real one, real ones to an exercise."""
        play = self.exercises()
        return frozenset(self.calls()) - play if name in play else play

    def _once(self, name: str, read: Callable[[], T]) -> T:
        if name not in self._known:
            self._known[name] = read()
        found: T = self._known[name]
        return found

    def _read_keyring(self) -> Keyring:
        if self._root_key is None:
            return Keyring()
        keys: dict[str, tuple[TowerKey, ...]] = {}
        for (text,) in self._db.all("SELECT text FROM tower_keys ORDER BY key, text"):
            key = read_key(self._root_key, text)
            keys[key.id] = (*keys.get(key.id, ()), key)
        rows = self._db.all("SELECT key, text FROM tower_key_ends")
        ends: dict[str, KeyEnd] = {key: read_end(self._root_key, text) for key, text in rows}
        return Keyring(MappingProxyType(keys), MappingProxyType(ends))

    def _statements(self, kind: str) -> list[tuple[str, str, int, frozenset[str]]]:
        """(id, content, changed, signers) of the statements of a kind that are signed by their sender."""
        rows = self._db.all(
            "SELECT id, content, changed FROM tower_statements WHERE kind=? AND signed=1", (kind,)
        )
        signers: dict[str, set[str]] = {}
        for name, key in self._db.all(
            "SELECT s.id, g.key FROM tower_statements s JOIN tower_signatures g USING(id)"
            " WHERE s.kind=? AND s.signed=1 AND g.valid=1",
            (kind,),
        ):
            signers.setdefault(name, set()).add(key)
        return [(name, text, changed, frozenset(signers.get(name, ()))) for name, text, changed in rows]

    def _read_alerts(self) -> dict[str, Shown]:
        found = {
            name: (Alert(name, read_trusted(text), signers), changed)
            for name, text, changed, signers in self._statements(signed.ALERT)
        }
        states = judge((alert for alert, _ in found.values()), self.keyring())
        shown = [
            Shown(name, alert.content, states[name], tuple(sorted(alert.signers)), changed)
            for name, (alert, changed) in found.items()
            if states[name] is not State.REFUSED
        ]
        whole = {each.id[:16] for each in shown}
        shown += [each for each in self._briefs() if each.id not in whole]
        shown.sort(key=lambda each: (-int(each.content["sent"]), each.id))
        return {each.id: each for each in shown}

    def _briefs(self) -> list[Shown]:
        by_payload: dict[bytes, list[tuple[briefs.Brief, int]]] = {}
        for raw, changed in self._db.all("SELECT brief, changed FROM alert_briefs ORDER BY brief"):
            brief = briefs.decode(raw)
            by_payload.setdefault(brief.payload, []).append((brief, changed))
        found = []
        for rows in by_payload.values():
            given = [brief for brief, _ in rows]
            state = briefs.counts(given, self.keyring())
            if state is not State.REFUSED:
                first = given[0]
                keys = tuple(briefs.signers(given, self.keyring()))
                changed = max(changed for _, changed in rows)
                found.append(Shown(first.id, first.content(), state, keys, changed, brief=True))
        return found

    def _acts(self) -> list[Act]:
        return [Act(name, read_trusted(text)) for name, text, _, _ in self._statements(signed.ACT)]

    def _read_exercises(self) -> frozenset[str]:
        sql = "SELECT id FROM tower_statements WHERE kind=? AND content->>'status'!='Actual'"
        rows = self._db.all(sql, (signed.CALL,))
        return frozenset(name for (name,) in rows)

    def _read_calls(self) -> dict[str, Call]:
        keyring = self.keyring()
        found = []
        for name, text, changed, _ in self._statements(signed.CALL):
            content = read_trusted(text)
            known = keyring.counting(content["sender"], content["sent"])
            if any(each.covers(content["areas"]) for each in known):
                found.append(Call(name, content, changed))
        found.sort(key=lambda each: (-int(each.content["sent"]), each.id))
        return {each.id: each for each in found}


def signatures_of(db: Database, name: str) -> dict[str, str]:
    """The signatures of a statement that are right, by key id."""
    rows = db.all("SELECT key, signature FROM tower_signatures WHERE id=? AND valid=1", (name,))
    return dict(rows)
