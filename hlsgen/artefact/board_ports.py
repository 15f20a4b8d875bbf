"""Which ports of a circuit the serial line of a board reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlsgen.algebra.link import PORTS
from hlsgen.artefact.floorplan import Floorplan
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.parameter_port import PARAMETERS, has_parameter_port
from hlsgen.artefact.port import Port
from hlsgen.errors import BadOption


@dataclass(frozen=True)
class BoardPort:
    """An AXI4-Stream port: its prefix, bits of a word, words of a sample (None: no samples), whether it has tlast."""

    prefix: str
    word_bits: int
    words: int | None
    last: bool = True


@dataclass(frozen=True)
class BoardPorts:
    """The ports in order of their numbers on the link; other inputs ``tied`` to values; ``large``: whether the tools for large designs
    build it; ``floorplan``: where its units are to stand."""

    inputs: tuple[BoardPort, ...]
    outputs: tuple[BoardPort, ...]
    tied: Mapping[str, int] = field(default_factory=dict)
    large: bool = False
    floorplan: Floorplan | None = None

    @property
    def measures(self) -> bool:
        """Whether the circuit can be measured on the board: what goes in and comes out are samples, and parameters."""
        samples = (port for port in self.inputs if port.prefix != PARAMETERS)
        return all(port.words is not None for port in (*samples, *self.outputs))


def stream_board_ports(manifest: Manifest, where: str) -> BoardPorts:
    """The ports of a circuit whose inputs and outputs are streams, that of its parameters behind the inputs; raises BadOption for more than the link has."""
    inputs, outputs = (tuple(map(_port, ports)) for ports in (manifest.inputs, manifest.outputs))
    if has_parameter_port(manifest):
        inputs = (*inputs, BoardPort(PARAMETERS, 8, None))
    for way, ports in (("inputs", inputs), ("outputs", outputs)):
        if len(ports) > PORTS:
            raise BadOption(
                where,
                f"expected at most {PORTS} {way}, which is what the link of a board carries; found {len(ports)}",
                "Use design.v, whose ports are AXI4-Stream, in a design of your own.",
            )
    return BoardPorts(inputs, outputs)


def _port(port: Port) -> BoardPort:
    return BoardPort(port.axis, 8 * port.word_bytes, port.words)
