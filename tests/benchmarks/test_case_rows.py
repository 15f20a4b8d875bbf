"""What a case after a bug report is counted as."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks.case_rows import outcome


@pytest.mark.parametrize(
    ("good", "session", "counted"),
    [
        (True, "default", "exact"),
        (True, "integer", "exact"),
        (True, None, "declared"),
        (False, None, "wrong"),
        (False, "default", "wrong"),  # equal, but slower than predicted, e.g.
    ],
)
def test_a_case_is_right_only_where_verify_says_so(
    good: bool, session: str | None, counted: str
) -> None:
    assert outcome(SimpleNamespace(good=good, ort_matched=session)) == counted
