"""The web client's own checks: unit tests, types, lint, texts in both languages, and its size."""

import json
import subprocess

import pytest

from tests.tidy.tree import ROOT
from tests.web import tower_vectors

WEB = ROOT / "web"


@pytest.mark.parametrize("script", ["test", "check", "lint", "size"])
def test_npm_script_passes(script: str) -> None:
    done = subprocess.run(
        ["npm", "run", "--silent", script], cwd=WEB, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_languages_have_every_text() -> None:
    korean, english = (
        json.loads((WEB / "messages" / f"{language}.json").read_text(encoding="utf-8"))
        for language in ("ko", "en")
    )
    assert korean.keys() == english.keys()
    assert all(korean.values())
    assert all(english.values())
    sources = "".join(
        path.read_text(encoding="utf-8")
        for pattern in ("*.svelte", "*.ts")
        for path in (WEB / "src").rglob(pattern)
        if "paraglide" not in path.parts
    )
    unused = [name for name in korean if f"m.{name}" not in sources]
    assert unused == []


def test_the_clients_vectors_are_what_the_server_makes() -> None:
    kept = json.loads(tower_vectors.VECTORS.read_text(encoding="utf-8"))
    made = tower_vectors.vectors()
    # Sealed anew each time, with a salt of its own; the client's test opens the one that is kept.
    del kept["key_file"], made["key_file"]
    assert kept == made
