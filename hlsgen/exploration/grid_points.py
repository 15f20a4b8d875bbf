"""Designs of a network on fabrics: what a fabric takes is predicted, its runs are planned whole, once for all boards that have room for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hlsgen.artefact.digest import sha256
from hlsgen.board import Board
from hlsgen.cost.clock_rate import fabric_clock_mhz
from hlsgen.cost.fabric import fabric_cost, uncounted
from hlsgen.cost.link import bram_room, lut_room
from hlsgen.cost.units import Cost
from hlsgen.errors import DoesNotFit, HlsgenError, UnsupportedOp
from hlsgen.exploration.explored import Explored, Known
from hlsgen.exploration.study_point import StudyPoint
from hlsgen.progress import Progress

if TYPE_CHECKING:
    from hlsgen.artefact.report import Head
    from hlsgen.fabric.ir import Fabric


@dataclass(frozen=True)
class FabricAsked:
    """A fabric, and the name or file by which the user calls it."""

    asked: str
    fabric: Fabric

    @property
    def batches(self) -> list[int]:
        """Samples at a time that share its rows evenly."""
        return [n for n in range(1, self.fabric.rows + 1) if self.fabric.rows % n == 0]


def fabrics_of(names: Sequence[str]) -> tuple[FabricAsked, ...]:
    """The fabrics of these names or files, or every preset made for networks; raises what reading a fabric raises, UnsupportedOp for one that
    runs no networks or that has no estimate."""
    from hlsgen.fabric.file import load_fabric, presets
    from hlsgen.schedule.grid_network.border import border

    if not names:
        known = (preset.fabric for preset in presets())
        return tuple(FabricAsked(f.name, f) for f in known if f.drain and not uncounted(f))
    asked = tuple(FabricAsked(name, load_fabric(name)) for name in dict.fromkeys(names))
    for one in asked:
        border(one.fabric)
        if others := uncounted(one.fabric):
            raise UnsupportedOp(
                f"fabric {one.fabric.name}",
                f"expected PEs that accumulate and do nothing else, whose size is known; found {', '.join(others[:8])}",
                "Compile for it with --schedule grid, or explore with a fabric made for networks, for example mac_8x8.",
            )
    return asked


@dataclass(frozen=True, eq=False)
class OnFabrics:
    """The designs of ``networks`` on ``fabrics``. What was planned, or refused, is kept for the next board."""

    networks: Sequence[Explored]
    fabrics: tuple[FabricAsked, ...]
    known: Known
    progress: Progress
    _heads: dict[tuple[str | None, str, int], Head | HlsgenError] = field(default_factory=dict)
    _fitted: set[str] = field(default_factory=set)

    def points(self, board: Board, numbers: Iterator[int]) -> list[StudyPoint]:
        """The designs that fit on a board; ``numbers`` numbers them."""
        result: list[StudyPoint] = []
        for one in self.fabrics:
            cost = _fitting(board, one.fabric)
            if cost is None:
                continue
            self._fitted.add(one.asked)
            for network in self.networks:
                points = (self._point(network, board, one, n, cost) for n in one.batches)
                kept = (point for point in points if point is not None)
                result += [replace(point, number=next(numbers)) for point in kept]
        return result

    def refused(self) -> dict[str, str]:
        """Fabrics of which there is no point, with the reason."""
        reasons = {
            f"fabric {one.asked}": "expected a board with room for it, found none of these"
            for one in self.fabrics
            if one.asked not in self._fitted
        }
        for (precision, asked, batch), head in self._heads.items():
            if isinstance(head, HlsgenError) and batch == 1:
                numbers = "" if precision is None else f" in {precision}"
                reasons[f"fabric {asked}{numbers}"] = head.problem
        return reasons

    def error(self) -> HlsgenError:
        """Why there is no point at all."""
        failed = [head for head in self._heads.values() if isinstance(head, HlsgenError)]
        names = ", ".join(one.asked for one in self.fabrics)
        return (failed or [_no_room(names)])[0]

    def _point(
        self, network: Explored, board: Board, one: FabricAsked, batch: int, cost: Cost
    ) -> StudyPoint | None:
        """The point as it is known, else planned; None where the fabric does not compute the network."""
        key = network.key(board, "grid", sha256(repr(one.fabric).encode()), batch)
        if key in self.known:
            return replace(self.known[key], **network.judged(), fabric=one.asked)
        head = self._head(network, one, batch)
        if isinstance(head, HlsgenError):
            return None
        assert head.interval_cycles is not None, "a plan has its cycles"
        clock, lut = fabric_clock_mhz(board, cost.lut), round(float(cost.lut))
        rate = round(clock * 1e6 / head.interval_cycles, 3)
        return StudyPoint(
            number=0,
            key=key,
            board=board.name,
            asked_interval=head.interval_cycles,
            dsp_budget=None,
            interval_cycles=head.interval_cycles,
            lut=lut,
            dsp=int(cost.dsp),
            bram=int(cost.bram),
            clock_mhz=clock,
            fps=rate,
            input_lanes=(),
            sketched_lut=lut,
            sketched_fps=rate,
            is_planned=True,
            latency_cycles=head.latency_cycles,
            ff=round(float(cost.ff)),
            precision=network.precision,
            **network.judged(),
            schedule="grid",
            fabric=one.asked,
            batch=batch,
        )

    def _head(self, network: Explored, one: FabricAsked, batch: int) -> Head | HlsgenError:
        """The cycles of the network on the fabric, or why it does not run there."""
        from hlsgen.schedule.grid_network.plan import plan_network
        from hlsgen.schedule.grid_network.report import network_report

        key = network.precision, one.asked, batch
        if key not in self._heads:
            assert network.grid is not None, "the schedule is asked for"
            self.progress(f"planning runs of fabric {one.fabric.name}", None)
            try:
                if isinstance(network.grid, HlsgenError):
                    raise network.grid
                plan = plan_network(one.fabric, network.grid, batch)
                self._heads[key] = network_report(plan).head
            except HlsgenError as error:
                self._heads[key] = error
        return self._heads[key]


def _fitting(board: Board, fabric: Fabric) -> Cost | None:
    """What a fabric takes of a board that has room for it and the link; None where there is none."""
    cost = fabric_cost(board.family, fabric)
    if cost is None:
        return None
    fits = cost.lut <= lut_room(board) and cost.ff <= board.ff and cost.dsp <= board.dsp
    return cost if fits and cost.bram <= bram_room(board) else None


def _no_room(names: str) -> DoesNotFit:
    return DoesNotFit(
        "--schedule grid",
        f"expected a board with room for one of the fabrics {names}, found none",
        "Choose a larger board (--board), or a smaller fabric (--fabric).",
    )
