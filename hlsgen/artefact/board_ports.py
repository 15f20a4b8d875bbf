"""Which ports of a circuit the serial line of a board reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlsgen.artefact.manifest import Manifest
from hlsgen.errors import BadOption

LINK_BYTES = (512, 2048)
"""Least and most bytes of input that the link's FIFO holds: less would be no smaller, more takes several block RAMs."""


@dataclass(frozen=True)
class BoardPorts:
    """AXI4-Stream prefixes of the circuit (``input_last``: whether the input has tlast), ``word_in`` and ``word_out`` bits of a word,
    ``depth`` bytes of input that wait in a FIFO, other inputs ``tied`` to values; ``large``: whether the tools for large designs build it.
    """

    input_prefix: str
    output_prefix: str
    word_in: int
    word_out: int
    depth: int
    input_last: bool = True
    tied: Mapping[str, int] = field(default_factory=dict)
    large: bool = False


def stream_board_ports(manifest: Manifest, where: str) -> BoardPorts:
    """The ports of a circuit with one input and one output stream; raises BadOption for another one."""
    if (len(manifest.inputs), len(manifest.outputs)) != (1, 1):
        raise BadOption(
            where,
            "expected one input and one output, which is what the serial link of a board carries; found "
            f"{len(manifest.inputs)} and {len(manifest.outputs)}",
            "Use design.v, whose ports are AXI4-Stream, in a design of your own.",
        )
    (source,), (sink,) = manifest.inputs, manifest.outputs
    depth = 1 << (source.words * source.word_bytes - 1).bit_length()
    return BoardPorts(
        source.axis,
        sink.axis,
        8 * source.word_bytes,
        8 * sink.word_bytes,
        min(max(LINK_BYTES[0], depth), LINK_BYTES[1]),
    )
