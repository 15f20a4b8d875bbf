"""Exact requantisation: the reference formula of ONNX Runtime on x86-64, and integer forms that are proved equal to it."""

from hlsgen.requantise.add import RoundedAdd, choose_add, find_rounded_add
from hlsgen.requantise.choice import Choice, choose, choose_for
from hlsgen.requantise.mean import Mean
from hlsgen.requantise.multiply_shift import (
    MultiplyShift,
    find_multiply_shift,
    verify_multiply_shift,
)
from hlsgen.requantise.reference import Rounding, requantise, thresholds
from hlsgen.requantise.shift import FixedShift
from hlsgen.requantise.steps import FloatStep, FloatSteps

__all__ = [
    "Choice",
    "FixedShift",
    "FloatStep",
    "FloatSteps",
    "Mean",
    "MultiplyShift",
    "RoundedAdd",
    "Rounding",
    "choose",
    "choose_add",
    "choose_for",
    "find_multiply_shift",
    "find_rounded_add",
    "requantise",
    "thresholds",
    "verify_multiply_shift",
]
