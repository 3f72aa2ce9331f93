"""The tables of the view are such that SQLite finds them sound, so that a start does not build them anew."""

from pathlib import Path

from bongsu.view.db import Database

_TABLES = "SELECT name FROM sqlite_master WHERE type='table' AND sql LIKE '%WITHOUT ROWID%'"


def test_columns_of_a_key_stand_first_in_its_order(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "view.db")
    names = [name for (name,) in db.all(_TABLES)]
    for name in names:
        columns = db.all(f"PRAGMA table_info({name})")
        key = [column[1] for column in sorted(columns, key=lambda column: int(column[5])) if column[5]]
        assert [column[1] for column in columns][: len(key)] == key, name
    assert len(names) > 20
    db.close()


def test_a_view_with_residents_is_opened_as_it_is(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "view.db")
    db.run("INSERT INTO residents VALUES(?,?)", (b"n" * 16, "@kim:x"))
    db.run("INSERT INTO residency_ends VALUES(?,?,NULL,1,?)", (b"n" * 16, "@kim:x", b"n" * 16))
    db.close()
    db = Database.open(tmp_path / "view.db")
    assert db.all("SELECT user_id FROM residents") == [("@kim:x",)]
    db.close()
