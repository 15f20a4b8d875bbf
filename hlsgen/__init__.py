"""hlsgen: from a trained network to a verified circuit.

``hlsgen.compile(model, board=...)`` returns a ``Compiled`` with ``verify``, ``build``, ``report`` and ``verilog``.
"""

from __future__ import annotations

from hlsgen.flow import Compiled, compile

__version__ = "0.1.0"
__all__ = ["Compiled", "__version__", "compile"]
