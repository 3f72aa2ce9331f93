"""Queries: an incident as a file that proves itself (bongsu/tower/export.py)."""

from typing import Any

from bongsu.canonical import read_trusted
from bongsu.tower import signed
from bongsu.tower.export import export
from bongsu.tower.incident import Incident
from bongsu.view.context import Context
from bongsu.view.tower import signatures_of


def exported(context: Context, found: Incident) -> dict[str, Any]:
    """The export of an incident."""
    root_key = context.authorities.root_key
    assert root_key is not None, "without a root key there are no tower keys, and so no incidents"
    signatures = {act.id: signatures_of(context.db, act.id) for act in found.acts}
    return export(found, signatures, context.tower.keyring(), root_key)


def names(context: Context, found: Incident) -> dict[str, str]:
    """The names of those who acted, by key id."""
    keyring = context.tower.keyring()
    return {act.content["sender"]: keyring.name(act.content["sender"]) for act in found.acts}


def problems(context: Context) -> list[str]:
    """A sentence for each signature of the tower's that counts in the view and is wrong."""
    keyring = context.tower.keyring()
    rows = context.db.all(
        "SELECT s.id, s.kind, s.content, g.key, g.signature FROM tower_statements s"
        " JOIN tower_signatures g USING(id) WHERE g.valid=1 ORDER BY s.id"
    )
    found = []
    for name, kind, text, key, signature in rows:
        content, public = read_trusted(text), keyring.public_key(key)
        if public is None or not signed.is_statement_signed(kind, content, public, signature):
            found.append(f"The {kind} {name} is not signed by the tower key {key}.")
    return found
