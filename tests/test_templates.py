"""Rules that hold for all templates."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "templates"
PAGES = sorted(ROOT.rglob("*.html"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_list_loses_its_being_one_by_a_role(path: Path) -> None:
    found = re.findall(r"<(?:ul|ol|dl)\b[^>]*\brole=[^>]*>", path.read_text())
    assert not found, "put the role on an element around the list"
