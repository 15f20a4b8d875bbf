"""StreamFork: one stream to several independent readers."""

from __future__ import annotations

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import Layout
from amaranth.lib.wiring import In, Out


class StreamFork(wiring.Component):
    """Delivers every word of ``i`` once to each of ``o0``, ``o1`` ...

    Each branch takes the word when it has room; the word is retired when all have it.

    Timing: combinational from ``i`` to each branch; ``valid`` of a branch never depends on its own ``ready``.
    Cost: one bit per branch.
    """

    def __init__(self, payload: Shape | Layout, branches: int) -> None:
        assert branches >= 1
        self.branches = branches
        super().__init__(
            {
                "i": In(stream.Signature(payload)),
                **{f"o{k}": Out(stream.Signature(payload)) for k in range(branches)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        done = Signal(self.branches, name="done")
        served = Signal(self.branches, name="served")
        m.d.comb += self.i.ready.eq(served.all())
        for k in range(self.branches):
            branch = getattr(self, f"o{k}")
            m.d.comb += [
                branch.payload.eq(self.i.payload),
                branch.valid.eq(self.i.valid & ~done[k]),
                served[k].eq(done[k] | branch.ready),
            ]
            with m.If(self.i.valid):
                m.d.sync += done[k].eq(served[k] & ~self.i.ready)
        return m
