"""What a user or a contributor relies on is written down, and what is written down is so."""

import json
import re
import tomllib

from tests.tidy.tree import ROOT
from tools import settings_page


def test_the_settings_page_matches_the_program() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page(), (
        "docs/settings.md differs from bongsu/config.py; write it: .venv/bin/python -m tools.settings_page"
    )


def test_every_dependency_has_a_reason() -> None:
    def names(requirements: list[str]) -> set[str]:
        found = (re.match(r"[A-Za-z0-9_.@/-]+", line) for line in requirements)
        return {match[0] for match in found if match and not match[0].startswith("-")}

    asked = names(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    )
    for file in (ROOT / "requirements").glob("*.in"):
        asked |= names(file.read_text(encoding="utf-8").splitlines())
    for file in (ROOT / "tests" / "e2e" / "package.json", ROOT / "web" / "package.json"):
        package = json.loads(file.read_text(encoding="utf-8"))
        asked |= {*package["dependencies"], *package.get("devDependencies", {})}
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    assert asked == {*re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)}


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
