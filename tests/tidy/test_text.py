"""What must not stand in any file: paths of one machine, registries' addresses, wishes without an issue."""

import re

from tests.tidy.tree import ROOT, text_files

# The first slash is written as a class, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w./:-])[/](?:home|root|work|farm|Users)/[\w.-]+")
WISH = re.compile(r"\b(?:TO[D]O|FIX[M]E)\b(?!\(#\d+\))")
REGISTRY = re.compile(
    r"https?://[^\s\"]*(?:/simple[/]|/-[/]|\.whl\b|\.tgz\b|/packages/[0-9a-f]{2}[/])"
    r"|^\s*--(?:extra-)?index-url|^\s*--find-links|\"resolved\":",
    re.MULTILINE,
)


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in text_files()
        for match in pattern.finditer(text)
    ]


def test_no_path_of_one_machine() -> None:
    assert found(MACHINE_PATH) == []


def test_no_wish_without_an_issue() -> None:
    assert found(WISH) == []


def test_no_registry_address() -> None:
    assert found(REGISTRY) == []


def test_lock_files_name_no_address_and_hash_everything() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert [lock.stem for lock in locks] == ["build", "oracle", "run", "test"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert " @ " not in text, lock
        pinned = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\n(.*)", text, re.MULTILINE)
        assert pinned, lock
        assert all("--hash=sha256:" in line for line in pinned), lock
