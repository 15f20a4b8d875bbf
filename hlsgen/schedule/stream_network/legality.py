"""Which unroll factors and words a PE array can have: the one statement of the rules, for one plan or for many rows at once.

The order of the work decides. A process writes its channels in the order of its loops ``g`` and ``o``; a buffer's word is a
run of neighbouring channels; a finished word is a run of neighbouring results. A factor is legal where the runs of the
circuit are the runs of the channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra.affine import box
from hlsgen.cost.factors import Factors
from hlsgen.cost.process import multiplies
from hlsgen.cost.units import ceil_div
from hlsgen.dataflow.ir import AccumulateTables, Dataflow, Process, Read
from hlsgen.schedule.stream_network.geometry import finish_reads, varies

UNROLLED = ("x", "g", "o", "ky", "kx", "i")


@dataclass(frozen=True)
class LegalityRule:
    """``holds``: one truth, or one for each row of factors; ``text`` follows "expected"."""

    holds: Any
    text: str


def rules(dataflow: Dataflow, process: Process, f: Factors) -> tuple[LegalityRule, ...]:
    """Every rule for factors within their loops; words of the buffers are ``word_lanes(process, read, f)`` channels."""
    channel_reads = [
        (number, read)
        for number, read in enumerate(process.reads)
        if read.source in dataflow.channels
    ]
    return (
        *_array_rules(process, f),
        *_bipolar_rules(dataflow, process, f),
        *_constant_rules(dataflow, process, f),
        *_table_rules(process, f),
        *(factor_rules(process, f) if has_two_channels(dataflow, process) else ()),
        *_write_rules(process, dataflow.channels[process.write.channel].shape[2], f),
        *(
            rule
            for number, read in channel_reads
            for rule in read_rules(
                process,
                read,
                f,
                word_lanes(process, number, f),
                dataflow.channels[read.source].shape[2],
            )
        ),
    )


def has_two_channels(dataflow: Dataflow, process: Process) -> bool:
    """Whether both factors of a product are computed."""
    return multiplies(process) and process.reads[1].source in dataflow.channels


def lies_along_outputs(process: Process, number: int) -> bool:
    """Whether a read is the second factor of a product, with the outputs as neighbouring channels (not the reduction)."""
    if number != 1 or not multiplies(process) or len(process.reads[1].index) != 3:
        return False
    return process.reads[1].index[2].coefficient("o") == 1


def word_lanes(process: Process, number: int, f: Factors) -> Any:
    """Channels per word that the array takes from the buffer of a read."""
    return f.o if lies_along_outputs(process, number) else np.maximum(f.g, f.i)


def factor_rules(process: Process, f: Factors) -> tuple[LegalityRule, ...]:
    """Of a product of two channels: a step takes one word of the second, for all pixels; what fills a word up is not 0 as in weights."""
    rules = [
        LegalityRule(f.g == 1, "g = 1 where both factors are computed"),
        LegalityRule((f.ky == 1) & (f.kx == 1), "ky = kx = 1 where both factors are computed"),
        LegalityRule(process.extent("i") % f.i == 0, "i that divides the reduction"),
    ]
    if lies_along_outputs(process, 1):
        rules.append(
            LegalityRule(f.i == 1, "i = 1 where outputs are neighbours in the second factor")
        )
    else:
        rules.append(LegalityRule(f.o == 1, "o = 1 where outputs are apart in the second factor"))
    if any(index.coefficient("x") for index in process.reads[1].index):
        rules.append(LegalityRule(f.x == 1, "x = 1 where the second factor differs by pixel"))
    return tuple(rules)


def broken_rule(dataflow: Dataflow, process: Process, f: Factors) -> str | None:
    """The text of the first rule that one choice of factors breaks; None if it is legal."""
    for name in UNROLLED:
        if not 1 <= getattr(f, name) <= process.extent(name):
            return f"1 <= {name} <= {process.extent(name)}"
    return next((rule.text for rule in rules(dataflow, process, f) if not rule.holds), None)


def _array_rules(process: Process, f: Factors) -> tuple[LegalityRule, ...]:
    shared = (
        ()
        if multiplies(process) or isinstance(process.step, AccumulateTables)
        else (
            LegalityRule(f.o == 1, "o = 1 where nothing is multiplied"),
            LegalityRule(process.extent("i") % f.i == 0, "i that divides what is not multiplied"),
        )
    )
    return (*shared, LegalityRule((f.g == 1) | (f.i == 1), "g or i to be 1"))


def _bipolar_rules(dataflow: Dataflow, process: Process, f: Factors) -> tuple[LegalityRule, ...]:
    """Weights of one bit are -1 or 1: none of them is 0, to fill lanes up."""
    if not multiplies(process) or not dataflow.element(process.reads[1].source).bipolar:
        return ()
    return tuple(
        LegalityRule(
            process.extent(name) % getattr(f, name) == 0,
            f"{name} that divides {process.extent(name):,}, where weights are -1 and 1",
        )
        for name in ("ky", "kx", "i")
    )


def _constant_rules(dataflow: Dataflow, process: Process, f: Factors) -> tuple[LegalityRule, ...]:
    """Constants of a finish by place are read in the order of one pixel after the other."""
    if not any(varies(read, ("y", "x")) for read in finish_reads(dataflow, process).values()):
        return ()
    return (LegalityRule(f.x == 1, "x = 1 where a finish takes constants by place"),)


def _table_rules(process: Process, f: Factors) -> tuple[LegalityRule, ...]:
    """Tables take whole vectors, and give whole ones."""
    if not isinstance(process.step, AccumulateTables):
        return ()
    whole = (f.o == process.extent("o")) & (f.i == process.extent("i"))
    return (LegalityRule(whole, "whole vectors where tables are looked up"),)


def _write_rules(process: Process, channels: int, f: Factors) -> tuple[LegalityRule, ...]:
    """Results leave in the order of g and o, which is the channels' order, in words that begin where a pixel's words do."""
    groups, per_group = process.extent("g"), process.extent("o")
    run = groups * per_group
    rules = [
        LegalityRule(
            (f.g == 1) | (f.o == per_group),
            f"all {per_group:,} outputs of a group (o = {per_group}) where g is above 1",
        ),
        LegalityRule((f.g * f.o) % f.finish_lanes == 0, "finished words that divide g * o"),
    ]
    if groups > 1:
        rules.append(
            LegalityRule(
                (f.o == per_group) | (per_group % f.finish_lanes == 0),
                f"finished words that divide the {per_group:,} outputs of a group",
            )
        )
    if run != channels:  # a copy whose innermost loops are a part of a pixel, or many pixels
        rules.append(
            LegalityRule(
                (run % f.finish_lanes == 0) & (channels % f.finish_lanes == 0),
                f"finished words that divide {run:,} and {channels:,} channels",
            )
        )
    return tuple(rules)


def read_rules(
    process: Process, read: Read, f: Factors, lanes: Any, channels: int
) -> tuple[LegalityRule, ...]:
    """A step's lanes are one word of ``lanes`` of the ``channels``, and the steps go from word to word, inside or outside of a pixel."""
    row, column, channel = read.index
    where = f"of {read.source}"
    rules = [
        LegalityRule(channel.offset % lanes == 0, f"a first channel {where} that begins a word")
    ]
    if channel.range(box(process.loops))[1] >= channels:
        text = f"words that divide the {channels:,} channels {where}, which others follow"
        rules.append(LegalityRule(channels % lanes == 0, text))
    for name in ("y", *UNROLLED):
        factor = 1 if name == "y" else getattr(f, name)
        step = channel.coefficient(name)
        one = ceil_div(process.extent(name), factor) == 1
        alone = factor == 1
        text = f"steps of {name} that are whole words of channels {where}"
        rules.append(LegalityRule(one | (step * factor % lanes == 0), text))
        if name in ("x", "ky", "kx"):
            rules.append(LegalityRule(alone | (step % lanes == 0), text))
        elif name in ("g", "i"):
            straight = (row.coefficient(name), column.coefficient(name), step) == (0, 0, 1)
            text = f"{name} = 1, or {name} along neighbouring channels {where}"
            rules.append(LegalityRule(alone | straight, text))
    return tuple(rules)


def words_meet(written: Any, held: Any) -> Any:
    """Whether words of ``written`` lanes can fill a buffer of words of ``held`` lanes.

    Either is a multiple of the other, the written word by a power of two: its parts are selected by address bits.
    """
    split = written // held
    return (held % written == 0) | ((written % held == 0) & ((split & (split - 1)) == 0))
