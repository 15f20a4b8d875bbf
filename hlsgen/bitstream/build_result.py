"""What ``hlsgen build`` found: ``build.json`` and the table that is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from hlsgen.bitstream.toolchain import Utilisation


@dataclass(frozen=True, repr=False)
class BuildResult:
    """What ``build.json`` holds: what the built design uses, beside what the compiler predicted.

    ``fmax_mhz`` (what place and route found the circuit to be able to do) and ``bitstream`` (a path relative to the compiled folder) are None
    for Xilinx boards; ``clock_mhz`` is the clock of the circuit in the bitstream, ``oscillator_mhz`` that of the link, which could do
    ``link_fmax_mhz``; ``inferences_per_second``: at that clock, None where the design has no interval. Predictions are of the circuit without
    the serial link, and None where there is no report; ``utilisation`` is nextpnr's own table. ``seeds``: Fmax of every seed that was tried, of which ``seed`` is the one
    that was packed. ``tools``: which program did each part; ``steps``: the seconds of each, of those too that an earlier build had done;
    ``notes``: what did not go the usual way; ``title``, ``device``, ``available``: of the board;
    ``layers``: what each layer of a network uses, and ``critical_path``, the slowest path by layer: see ``by_layer``.
    """

    board: str
    lut: int
    ff: int
    dsp: int
    bram: int
    fmax_mhz: float | None
    clock_mhz: float
    oscillator_mhz: float
    bitstream: str | None
    seconds: float
    predicted_lut: int | None
    predicted_ff: int | None
    predicted_dsp: int | None
    predicted_bram: int | None
    utilisation: Utilisation
    link_fmax_mhz: float | None = None
    inferences_per_second: float | None = None
    seed: int | None = None
    seeds: Mapping[int, float | None] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    title: str = ""
    device: str = ""
    available: Mapping[str, int] = field(default_factory=dict)
    layers: tuple[Mapping[str, Any], ...] = ()
    critical_path: Mapping[str, Any] | None = None

    @property
    def meets_clock(self) -> bool | None:
        """Whether the design is fast enough for its clocks; None where it is not known."""
        if self.fmax_mhz is None:
            return None
        link = self.link_fmax_mhz is None or self.link_fmax_mhz >= self.oscillator_mhz
        return link and self.fmax_mhz >= self.clock_mhz

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return f"<pre>{escape(self.text())}</pre>"

    def text(self) -> str:
        """The table that ``hlsgen build`` prints."""
        lines = [
            f"{self.title} ({self.device}), {self.seconds:.0f} s",
            f"{'':12}{'used':>8}{'predicted':>11}{'available':>11}",
        ]
        for kind in ("lut", "ff", "dsp", "bram"):
            predicted = getattr(self, f"predicted_{kind}")
            shown = "" if predicted is None else predicted
            lines.append(
                f"{kind:12}{getattr(self, kind):>8}{shown:>11}{self.available.get(kind, ''):>11}"
            )
        lines += [f"note        {note}" for note in self.notes]
        if self.fmax_mhz is None:
            lines.append(
                "no bitstream here: run 'vivado -mode batch -source build.tcl' in the build folder"
            )
            return "\n".join(lines)
        lines.append(
            f"clock       {self.clock_mhz:8.1f} MHz of at most {self.fmax_mhz:.1f} MHz, oscillator {self.oscillator_mhz:g} MHz"
        )
        if self.inferences_per_second is not None:
            lines.append(f"speed       {self.inferences_per_second:8,.0f} inferences a second")
        if self.critical_path is not None:
            way = " > ".join(p["where"] for p in self.critical_path["parts"])
            lines.append(f"slowest     {self.critical_path['ns']:8.1f} ns: {way}")
        if len(self.seeds) > 1:
            tried = ", ".join(f"{seed}: {fmax or 0:.1f}" for seed, fmax in self.seeds.items())
            lines.append(f"seeds       {tried} MHz; seed {self.seed} taken")
        if not self.meets_clock:
            lines.append(
                "TOO FAST: the clock was forced, and the bitstream may not work on the board"
            )
        lines.append(f"bitstream   {self.bitstream}")
        return "\n".join(lines)
