"""Where the output stream of each process is found in a design's Verilog.

Amaranth gives a port another name (``o__payload$43``) where a wire of the module already has its own, so that the names are read from
the Verilog: the instance in the top names the module, and the module's head names its ports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hlsgen.errors import BadFile

PARTS = ("payload", "valid", "ready")


@dataclass(frozen=True)
class OutputSignals:
    """The ports of the stream ``o`` of an instance in the top: names as in Verilog, without escapes."""

    instance: str
    module: str
    payload: str
    valid: str
    ready: str


def output_signals(verilog: str, top: str, instances: Iterable[str]) -> tuple[OutputSignals, ...]:
    """The output stream of each instance of the module ``top``; raises BadFile where there is none."""
    heads = {
        _plain(header[1]): [_plain(name) for name in header[2].split(",")]
        for header in re.finditer(
            r"^module (\\\S+ |\w+)\((.*?)\);", verilog, re.MULTILINE | re.DOTALL
        )
    }
    body = re.search(rf"^module {re.escape(top)}\(.*?^endmodule", verilog, re.MULTILINE | re.DOTALL)
    modules = {}
    if body is not None:
        for instantiation in re.finditer(
            r"^  (\\\S+ |\w+) +(\\\S+ |\w+) \($", body[0], re.MULTILINE
        ):
            modules[_plain(instantiation[2])] = _plain(instantiation[1])
    signals = []
    for instance in instances:
        ports = heads.get(modules.get(instance, ""), [])
        names = [_port(ports, f"o__{part}") for part in PARTS]
        if None in names:
            raise BadFile(
                f"design.v, instance {instance}",
                f"expected a module with an output stream o, found ports {', '.join(ports) or 'none'}",
                "Compile the model again with 'hlsgen compile'.",
            )
        signals.append(OutputSignals(instance, modules[instance], *map(str, names)))
    return tuple(signals)


def _port(ports: list[str], name: str) -> str | None:
    return next((port for port in ports if re.fullmatch(rf"{name}(\$\d+)?", port)), None)


def _plain(name: str) -> str:
    """A name without the backslash and blank of an escaped identifier."""
    return name.strip().removeprefix("\\")
