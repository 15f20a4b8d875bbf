"""Which buffers of a network lie in the single-port memory of a device, where its RAM blocks do not hold them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hlsgen.algebra.unroll import Unroll
from hlsgen.board import Board
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.candidates import channel_reads
from hlsgen.schedule.stream_network.geometry import guard_shape, liveness_depth

LEAST_BITS = 8192
"""Of a buffer, two RAM blocks: what saves less is not worth a cycle of the array for every word."""


def shares(dataflow: Dataflow, board: Board) -> Iterator[Mapping[tuple[str, int], int]]:
    """(process, read) -> blocks that its buffer may have: for the largest buffer alone, for the largest two, and so on, each with an equal share.

    A buffer is as large as one element after the other makes it live, or as its whole channel where it waits for another operand of its
    process: both may be needed at once, and which is known when arrays are.
    """
    sizes: dict[tuple[str, int], int] = {}
    for process in dataflow.processes:
        reads = channel_reads(dataflow, process)
        for number, read in reads:
            channel = dataflow.channels[read.source]
            height, width, channels = channel.shape
            words = height * width * channels
            if len(reads) == 1:
                words = liveness_depth(guard_shape(read, process, Unroll(), channel, 1))
            if words * channel.element.bits >= LEAST_BITS:
                sizes[process.name, number] = words * channel.element.bits
    largest = sorted(sizes, key=lambda key: -sizes[key])[: board.spram]
    for count in range(1, len(largest) + 1):
        yield dict.fromkeys(largest[:count], board.spram // count)
