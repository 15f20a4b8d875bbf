"""One design of a study, and the designs that no other beats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias

from hlsgen.numbers import PRECISIONS

Objective: TypeAlias = Literal["fps", "latency", "lut", "energy-proxy"]
OBJECTIVES: tuple[Objective, ...] = ("fps", "latency", "lut", "energy-proxy")
DSP_LUTS, RAM_LUTS = 150, 100
"""A DSP block and a RAM block beside LUTs in the energy proxy: about the LUTs of a product of 8-bit numbers, and the weight that yosys gives a RAM block
against memory in LUTs (``cost/units.py``: 109 to 171, 64 to 128)."""


@dataclass(frozen=True)
class StudyPoint:
    """One design. ``number``: how ``--pick`` calls it; ``key``: the hash of all that it follows from; ``dsp_budget``: None for all of the board.

    ``interval_cycles`` ... ``fps``: of the selection of arrays alone, or, where ``is_planned``, of the whole schedule with its buffers, as
    ``compile`` predicts it (``sketched_lut`` and ``sketched_fps`` are then what they were before); only then are ``latency_cycles`` and ``ff`` known. ``asked_interval`` is what ``--interval`` is to be.
    ``precision``: of ``precisions.NAMES`` where the user asked for some, with its ``error`` and ``accuracy`` as of ``precisions.Accuracy``.
    ``built_lut``, ``built_dsp``, ``built_bram``, ``built_mhz``: of a picked design that was built, the link of the board included; ``built_mhz`` is its Fmax.
    ``asked_lanes``: what ``--lanes`` is to be. ``schedule`` "grid": runs of ``fabric`` (the name or file that the user gave), ``batch`` samples at a time; its cycles are those of ``compile``, LUTs, FFs and the clock are estimates.
    """

    number: int
    key: str
    board: str
    asked_interval: int
    dsp_budget: int | None
    interval_cycles: int
    lut: int
    dsp: int
    bram: int
    clock_mhz: float
    fps: float
    input_lanes: tuple[int, ...]
    sketched_lut: int
    sketched_fps: float
    is_planned: bool = False
    latency_cycles: int | None = None
    ff: int | None = None
    precision: str | None = None
    error: float | None = None
    accuracy: float | None = None
    built_lut: int | None = None
    built_dsp: int | None = None
    built_bram: int | None = None
    built_mhz: float | None = None
    schedule: str = "stream"
    asked_lanes: int | None = None
    fabric: str | None = None
    batch: int | None = None

    @property
    def energy_proxy(self) -> int:
        """LUTs, and blocks as so many of them, times the cycles for which they are clocked for a sample. It orders designs by the charge that they move, without how often wires switch, leakage and the supply."""
        area = self.sketched_lut + DSP_LUTS * self.dsp + RAM_LUTS * self.bram
        return area * self.interval_cycles

    def to_json(self) -> dict[str, Any]:
        """The inverse of ``from_json``, with what follows from the rest."""
        return {**asdict(self), "energy_proxy": self.energy_proxy}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> StudyPoint:
        """The inverse of ``to_json``; raises KeyError, TypeError, ValueError."""
        known = {field.name: entry[field.name] for field in fields(cls) if field.name in entry}
        return cls(**{**known, "input_lanes": tuple(map(int, entry["input_lanes"]))})

    def command(self, model: str) -> str:
        """What compiles it."""
        dsp = "" if self.dsp_budget is None else f" --dsp {self.dsp_budget}"
        numbers = {None: "", "int8": " --calibrate SAMPLES"}
        numbers |= {name: f" --precision {name} --samples SAMPLES" for name in PRECISIONS}
        lanes = "" if self.asked_lanes is None else f" --lanes {self.asked_lanes}"
        design = f"--interval {self.asked_interval}{dsp}{lanes}"
        if self.schedule == "grid":
            design = f"--schedule grid --fabric {self.fabric} --batch {self.batch}"
        return f"hlsgen compile {model} --board {self.board} {design}{numbers[self.precision]}"


@dataclass(frozen=True)
class Ranking:
    """``points`` of ``model`` (the name of its file); ``front``: those that no other beats, ``best`` of them by ``objective`` (None where nothing
    is known); ``refused``: board -> why nothing fits there."""

    model: str
    objective: Objective
    points: tuple[StudyPoint, ...]
    front: tuple[StudyPoint, ...]
    best: StudyPoint | None
    refused: Mapping[str, str]


def ranking(
    model: str, objective: Objective, points: tuple[StudyPoint, ...], refused: Mapping[str, str]
) -> Ranking:
    """The front: no other point is faster, as small in LUTs and as near to the floats, the fastest first. Sketches are compared with
    sketches; speed is the latency of planned points where that is the objective."""
    price = _price("latency" if objective == "latency" else "fps")
    known = [p for p in points if price(p) is not None]
    front: list[StudyPoint] = []
    for point in sorted(known, key=lambda p: (price(p), p.sketched_lut, p.error or 0, p.number)):
        if not any(_is_as_good(other, point) for other in front):
            front.append(point)
    best_price = _price(objective)
    best = min(front, key=lambda p: (best_price(p), p.sketched_lut, p.number), default=None)
    return Ranking(model, objective, points, tuple(front), best, refused)


def _is_as_good(faster: StudyPoint, point: StudyPoint) -> bool:
    """Whether a point that is not slower is not larger either, nor farther from the floats."""
    return faster.sketched_lut <= point.sketched_lut and (faster.error or 0) <= (point.error or 0)


def _price(objective: Objective) -> Callable[[StudyPoint], Any]:
    """What is to be small."""
    match objective:
        case "fps":
            return lambda point: -point.sketched_fps
        case "latency":
            return lambda point: _microseconds(point)
        case "lut":
            return lambda point: point.sketched_lut
        case "energy-proxy":
            return lambda point: point.energy_proxy


def _microseconds(point: StudyPoint) -> float | None:
    return None if point.latency_cycles is None else point.latency_cycles / point.clock_mhz


def numbers_columns(
    points: Sequence[StudyPoint], objective: Objective
) -> tuple[tuple[str, Callable[[StudyPoint], str]], ...]:
    """(title, text of a point) of the energy proxy where that is the objective, and of what is known of only some points: fabric and batch, lanes, precision, error and accuracy of their numbers, and what was built, where any has one."""
    proxy = (_column("energy proxy", "energy_proxy", ","),) * (objective == "energy-proxy")
    columns = (
        *proxy,
        _column("fabric", "fabric", ""),
        _column("batch", "batch", ""),
        _column("lanes", "asked_lanes", ""),
        _column("precision", "precision", ""),
        _column("error", "error", ".2g"),
        _column("accuracy", "accuracy", ".1%"),
        _column("built LUT", "built_lut", ","),
        _column("built MHz", "built_mhz", ".1f"),
    )
    return tuple(
        (title, said) for title, said in columns if any(said(point) != "-" for point in points)
    )


def _column(title: str, name: str, form: str) -> tuple[str, Callable[[StudyPoint], str]]:
    """The title and the text of one attribute, "-" where it is not known."""

    def said(point: StudyPoint) -> str:
        value = getattr(point, name)
        return "-" if value is None else format(value, form)

    return title, said
