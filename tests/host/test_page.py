"""The page on the link says what its description says."""

from __future__ import annotations

from pathlib import Path

from hlsgen.host.page import tables

PAGE = Path(__file__).parents[2] / "docs" / "link.md"


def test_the_tables_of_the_page_are_those_of_the_description() -> None:
    assert tables() in PAGE.read_text("utf-8")
