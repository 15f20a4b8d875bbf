"""Every message is as its snapshot says: a change of words is seen, and wanted, before it reaches a user."""

from __future__ import annotations

import pytest
from errors.areas import AREAS, refusals
from errors.messages import SNAPSHOTS, as_text


@pytest.mark.parametrize("area", AREAS)
def test_messages_are_those_of_the_snapshot(area: str, update_golden: bool) -> None:
    path = SNAPSHOTS / f"{area}.txt"
    text = as_text(refusals(area))
    if update_golden:
        path.write_text(text, "utf-8")
    assert path.exists(), f"expected {path}; write it with 'pytest tests/errors --update-golden'"
    assert text == path.read_text("utf-8"), "'--update-golden' rewrites it, if the change is meant"


def test_every_snapshot_belongs_to_an_area() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(AREAS)
