"""A design that is slower than predicted is not good, though every element is right."""

from __future__ import annotations

import pytest

from hlsgen.verify.result import VerifyResult
from hlsgen.verify.run import Request
from hlsgen.verify.timing import Timing


def result(measured: int | None, predicted: int | None) -> VerifyResult:
    return VerifyResult(
        meaning="integer graph",
        samples=3,
        elements=30,
        mismatches=0,
        agreements=(),
        timing=Timing(900, measured),
        predicted=Timing(900, predicted),
        slowest_cycles=predicted,
        request=Request("none", "fast", "numpy", 0),
        verilog_sha256="",
        shown=(),
        violations=(),
        finding=None,
        outputs={},
    )


@pytest.mark.parametrize(
    ("measured", "predicted", "late"),
    [
        (739, 576, True),
        (605, 576, True),
        (604, 576, False),
        (570, 576, False),
        (None, 576, False),
        (9, None, False),
    ],
)
def test_interval_more_than_5_percent_above_the_predicted_is_a_failure(
    measured: int | None, predicted: int | None, late: bool
) -> None:
    outcome = result(measured, predicted)
    assert (outcome.late, outcome.good, outcome.as_json()["late"]) == (late, not late, late)
    assert outcome.text().startswith("WRONG: the interval is" if late else "good")
