"""The whole program of a network on a fabric, for samples one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.fabric.packets import Packet
from hlsgen.schedule.grid_network.plan import NetworkPlan
from hlsgen.schedule.grid_network.ports import input_bands, input_packets
from hlsgen.schedule.grid_network.program import sample_packets, setup_packets


def program(plan: NetworkPlan, samples: Sequence[Mapping[str, np.ndarray]]) -> tuple[Packet, ...]:
    """Everything for some samples (channel -> (height, width, channels)) one after the other, from HELLO to the last READ."""
    same, bands = sample_packets(plan), input_bands(plan)
    packets = list(setup_packets(plan))
    for first in range(0, len(samples), plan.samples):
        own = samples[first : first + plan.samples]
        batch = {name: np.stack([sample[name] for sample in own]) for name in own[0]}
        packets += [*input_packets(plan.fabric, bands, batch), *same]
    return tuple(packets)
