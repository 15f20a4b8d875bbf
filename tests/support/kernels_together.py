"""The pipelines of several kernels in one circuit, so that one simulator is built for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring

from hlsgen.artefact.digest import sha256
from hlsgen.artefact.manifest import DESIGN, Manifest
from hlsgen.artefact.port import Port
from hlsgen.loops.ir import Kernel
from hlsgen.rtl.emit import Design
from hlsgen.rtl.pipeline import emit_pipeline
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline


class PipelinesTogether(wiring.Component):
    """Circuits beside one another. Members: those of circuit k as ``k<k>_<name>``."""

    def __init__(self, circuits: Sequence[wiring.Component]) -> None:
        self.circuits = tuple(circuits)
        super().__init__(
            {
                f"k{k}_{name}": member
                for k, circuit in enumerate(self.circuits)
                for name, member in circuit.signature.members.items()
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for k, circuit in enumerate(self.circuits):
            m.submodules[f"k{k}"] = circuit
            for name, member in circuit.signature.members.items():
                inside, outside = getattr(circuit, name), getattr(self, f"k{k}_{name}")
                given, taken = (outside, inside) if member.flow is wiring.Out else (inside, outside)
                m.d.comb += given.eq(taken)
        return m


def write_together(kernels: Sequence[Kernel], folder: Path) -> Manifest:
    """DIR/design.v with the pipelines of clean kernels; value ``x`` of kernel k is ``k<k>_x`` in the manifest that is returned."""
    designs = [
        emit_pipeline(kernel, [schedule_pipeline(graph) for graph in kernel.graphs])
        for kernel in kernels
    ]
    manifests = [design.manifest for design in designs]
    manifest = replace(
        manifests[0],
        inputs=tuple(_named(k, port) for k, one in enumerate(manifests) for port in one.inputs),
        outputs=tuple(_named(k, port) for k, one in enumerate(manifests) for port in one.outputs),
        interval_cycles=max(one.interval_cycles or 0 for one in manifests),
        latency_cycles=max(one.latency_cycles or 0 for one in manifests),
    )
    together = Design(PipelinesTogether([design.component for design in designs]), manifest)
    text = to_verilog(together, "random kernels").encode()
    (folder / DESIGN).write_bytes(text)
    return replace(manifest, files={DESIGN: sha256(text)})


def _named(number: int, port: Port) -> Port:
    return replace(port, axis=f"k{number}_{port.axis}", value=f"k{number}_{port.value}")


def arrays_together(
    samples: Sequence[Sequence[Mapping[str, np.ndarray]]],
) -> dict[str, np.ndarray]:
    """``samples[k]``: the arrays of every execution of kernel k, as the manifest names them."""
    return {
        f"k{k}_{name}": np.stack([arrays[name] for arrays in executions]).astype(np.int64)
        for k, executions in enumerate(samples)
        for name in executions[0]
    }
