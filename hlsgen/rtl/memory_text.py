"""Contents of memories in RTLIL, a row at a time.

Amaranth 0.5 makes an object of every bit of a memory, and compares and joins these: for ResNet-8, whose memories have 2.2 million bits,
a quarter of the time from ONNX to Verilog. The text is the same, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.back import rtlil


class _Emitter(rtlil.ModuleEmitter):
    """Amaranth's emitter of a module, but for the constants that fill memories."""

    def emit_memory(self, cell_idx: int, cell: Any) -> None:
        """The cell that gives a memory its initial contents."""
        width, mask = cell.width, (1 << cell.width) - 1
        rows = "".join(f"{row & mask:0{width}b}" for row in reversed(cell.init)) if width else ""
        parameters = {"ABITS": 0, "WIDTH": width, "WORDS": cell.depth, "PRIORITY": 0}
        self.builder.cell(
            "$meminit_v2",
            ports={
                "ADDR": self.sigspec(),
                "DATA": f"{len(rows)}'{rows}" if rows else self.sigspec(),
                "EN": f"{width}'{'1' * width}",
            },
            parameters={"MEMID": self.memories[cell_idx].memid, **parameters},
            src_loc=cell.src_loc,
        )


@contextmanager
def memories_by_rows() -> Iterator[None]:
    """Amaranth's converter with this emitter, while the context lasts."""
    usual = rtlil.ModuleEmitter
    setattr(rtlil, "ModuleEmitter", _Emitter)  # noqa: B010 - mypy would not have a class assigned
    try:
        yield
    finally:
        setattr(rtlil, "ModuleEmitter", usual)  # noqa: B010
