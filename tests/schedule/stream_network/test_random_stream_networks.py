"""Random networks, grouped convolutions and changes of order among them, get arrays that read and write in order."""

from __future__ import annotations

import numpy as np
import pytest
from support.process_order import reads_in_order, writes_in_order
from support.random_networks import random_network

from hlsgen.board import load_board
from hlsgen.dataflow.ir import Dataflow
from hlsgen.rtl.arrays import process_parameters
from hlsgen.schedule.stream_network.check import check, write_lanes
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule

BOARD = load_board("ulx3s_85f")


def check_order(dataflow: Dataflow, plan: StreamSchedule) -> None:
    check(plan)
    for process in dataflow.processes:
        array = plan.arrays[process.name]
        assert writes_in_order(dataflow, process, array), array
        for read in process.reads:
            if read.source in dataflow.channels:
                written = write_lanes(plan, read.source)
                assert reads_in_order(dataflow, process, array, written), array
        process_parameters(plan, process)


def check_network(seed: int) -> None:
    dataflow = random_network(seed)
    blocks = int(np.random.default_rng(seed).choice([2, 20, 60]))
    check_order(dataflow, schedule(dataflow, BOARD, StreamOptions(dsp=blocks)))


@pytest.mark.parametrize("seed", range(24))
def test_a_random_network_is_computed_in_the_channels_order(seed: int) -> None:
    check_network(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 250, 50))
def test_many_random_networks_are_computed_in_the_channels_order(first: int) -> None:
    for seed in range(first, first + 50):
        check_network(seed)
