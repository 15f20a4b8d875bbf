"""hlsgen: from a trained network or a Python loop kernel to a verified circuit.

``hlsgen.compile(model, board=...)`` returns a ``Compiled`` with ``verify``, ``build``, ``report`` and ``verilog``.
``@hlsgen.kernel`` decorates a function over arrays (``In``, ``Out``, ``InOut`` of s8 ... u32); ``unroll`` marks loops;
``hlsgen.explore(model, boards=[...])`` looks at many designs; ``hlsgen.list_boards()``, ``list_fabrics()`` and ``list_operators()`` say what there is; ``hlsgen.map_kernel(...)`` maps a kernel to a fabric, ``hlsgen.emit_fabric(...)`` gives a fabric's Verilog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsgen.catalogue import list_boards, list_fabrics, list_operators
from hlsgen.flow import Compiled, compile, emit_fabric, map_kernel
from hlsgen.flow_explore import explore
from hlsgen.loops.python.kernel import kernel, unroll

if TYPE_CHECKING:
    from hlsgen.loops.python.static_types import In, InOut, Out, s8, s16, s32, u8, u16, u32
else:
    from hlsgen.loops.python.annotations import In, InOut, Out, s8, s16, s32, u8, u16, u32

__version__ = "0.1.0"
__all__ = [
    "Compiled",
    "In",
    "InOut",
    "Out",
    "__version__",
    "compile",
    "emit_fabric",
    "explore",
    "kernel",
    "list_boards",
    "list_fabrics",
    "list_operators",
    "map_kernel",
    "s8",
    "s16",
    "s32",
    "u8",
    "u16",
    "u32",
    "unroll",
]
