"""Every message is as its snapshot says: a change of words is seen, and wanted, before it reaches a user."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from errors.areas import AREAS, refusals
from errors.messages import SNAPSHOTS, as_text

TESTS = SNAPSHOTS.parents[1]


@pytest.mark.parametrize("area", AREAS)
def test_messages_are_those_of_the_snapshot(area: str, update_golden: bool) -> None:
    path = SNAPSHOTS / f"{area}.txt"
    text = as_text(refusals(area))
    if update_golden:
        path.write_text(text, "utf-8")
    assert path.exists(), f"expected {path}; write it with 'pytest tests/errors --update-golden'"
    assert text == path.read_text("utf-8"), "'--update-golden' rewrites it, if the change is meant"


WITHOUT_ASSERTS = """
from errors.areas import AREAS, refusals
from errors.messages import SNAPSHOTS, as_text

assert False, "python -O leaves this out"
for area in AREAS:
    if as_text(refusals(area)) != (SNAPSHOTS / f"{area}.txt").read_text("utf-8"):
        raise SystemExit(f"{area}: other messages")
"""


def test_no_message_and_no_result_hangs_on_an_assert() -> None:
    """Every case again under ``python -O``; among them runs of kernels, whose wrong elements are named."""
    command = (sys.executable, "-O", "-c", WITHOUT_ASSERTS)
    places = {**os.environ, "PYTHONPATH": str(TESTS.parent)}  # of ``benchmarks``, as for pytest
    done = subprocess.run(command, cwd=TESTS, env=places, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_snapshot_belongs_to_an_area() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(AREAS)
