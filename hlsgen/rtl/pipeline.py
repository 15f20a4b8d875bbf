"""From PipelineSchedules of a kernel to an Amaranth component with AXI4-Stream ports, and its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from amaranth.hdl import Module, Shape
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.affine import Affine, deltas, growth
from hlsgen.artefact.manifest import TOP, Manifest
from hlsgen.artefact.port import Port
from hlsgen.errors import UnsupportedOp
from hlsgen.loops.ir import Array, Constant, Kernel, LoopGraph, Operation, Value
from hlsgen.rtl.emit import Design
from hlsgen.rtl.manifest import port_names
from hlsgen.rtl_templates import loop_contract
from hlsgen.rtl_templates.kernel.kernel_pipeline import KernelPipeline
from hlsgen.rtl_templates.kernel.shape import (
    AccessShape,
    ArrayShape,
    ConstantTap,
    KernelShape,
    PipelineShape,
    StageShape,
    ValueTap,
)
from hlsgen.rtl_templates.ports.axi_stream import AxisInput, AxisOutput, element_bytes
from hlsgen.rtl_templates.stream.shape import CounterShape
from hlsgen.schedule.stream_kernel.pipeline import PipelineSchedule, latency, value_delay

LOADED, GIVEN = ("input", "inout"), ("output", "inout")


def emit_pipeline(kernel: Kernel, plans: Sequence[PipelineSchedule], name: str = TOP) -> Design:
    """The design of a kernel; ``plans`` in the order of its graphs. Ports are named by array."""
    return Design(PipelineTop(kernel, plans), replace(_manifest(kernel, plans), top=name))


class PipelineTop(wiring.Component):
    """A kernel as a fixed pipeline.

    Members: per array ``<prefix>_tdata, _tvalid, _tready, _tlast`` as in AXI4-Stream; ``running``: a pipeline runs.
    """

    def __init__(self, kernel: Kernel, plans: Sequence[PipelineSchedule]) -> None:
        self.arrays = _arrays(kernel)
        self.shape = kernel_shape(kernel, plans)
        self.inputs, self.outputs = _ports(self.arrays)
        members: dict[str, Any] = {"running": Out(1)}
        for names, forward, backward in ((self.inputs, In, Out), (self.outputs, Out, In)):
            for name, prefix in names.items():
                members[f"{prefix}_tdata"] = forward(8 * element_bytes(self._element(name)))
                members[f"{prefix}_tvalid"] = forward(1)
                members[f"{prefix}_tready"] = backward(1)
                members[f"{prefix}_tlast"] = forward(1)
        super().__init__(members)

    def _element(self, name: str) -> Shape:
        element = next(array.element for array in self.arrays if array.name == name)
        return Shape(element.bits, element.signed)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.kernel = kernel = KernelPipeline(self.shape)
        m.d.comb += self.running.eq(kernel.running)
        for name, prefix in self.inputs.items():
            m.submodules[prefix] = taken = AxisInput(self._element(name), 1)
            wiring.connect(m, taken.o, getattr(kernel, f"load_{name}"))
            m.d.comb += [
                taken.tdata.eq(getattr(self, f"{prefix}_tdata")),
                taken.tvalid.eq(getattr(self, f"{prefix}_tvalid")),
                getattr(self, f"{prefix}_tready").eq(taken.tready),
            ]
        for name, prefix in self.outputs.items():
            size = next(array.size for array in self.arrays if array.name == name)
            m.submodules[prefix] = given = AxisOutput(self._element(name), 1, 1, size)
            wiring.connect(m, getattr(kernel, f"give_{name}"), given.i)
            m.d.comb += [
                given.tready.eq(getattr(self, f"{prefix}_tready")),
                getattr(self, f"{prefix}_tdata").eq(given.tdata),
                getattr(self, f"{prefix}_tvalid").eq(given.tvalid),
                getattr(self, f"{prefix}_tlast").eq(given.tlast),
            ]
        return m


def kernel_shape(kernel: Kernel, plans: Sequence[PipelineSchedule]) -> KernelShape:
    """What the template is told of a kernel."""
    arrays = _arrays(kernel)
    numbers = {array.name: k for k, array in enumerate(arrays)}
    pipelines, reads, writes = [], [], []
    for plan in plans:
        loads = [operation for operation in plan.graph.operations if operation.operator == "load"]
        stores = [operation for operation in plan.graph.operations if operation.operator == "store"]
        ports = {
            operation.name: k for group in (loads, stores) for k, operation in enumerate(group)
        }
        pipelines.append(_pipeline(plan, ports))
        reads.append(tuple(numbers[str(operation.array)] for operation in loads))
        writes.append(tuple(numbers[str(operation.array)] for operation in stores))
    shapes = tuple(_array_shape(array) for array in arrays)
    return KernelShape(shapes, tuple(pipelines), tuple(reads), tuple(writes))


def _arrays(kernel: Kernel) -> tuple[Array, ...]:
    """Every array of the kernel once, in order of appearance."""
    arrays: dict[str, Array] = {}
    for graph in kernel.graphs:
        for array in graph.arrays:
            arrays.setdefault(array.name, array)
    return tuple(arrays.values())


def _ports(arrays: Sequence[Array]) -> tuple[dict[str, str], dict[str, str]]:
    """Array name -> prefix of its input stream, of its output stream."""
    loaded = tuple(array.name for array in arrays if array.role in LOADED)
    given = tuple(array.name for array in arrays if array.role in GIVEN)
    return port_names(loaded, "s_axis"), port_names(given, "m_axis")


def _array_shape(array: Array) -> ArrayShape:
    return ArrayShape(
        array.name,
        array.size,
        array.element.bits,
        array.element.signed,
        loaded=array.role in LOADED,
        given=array.role in GIVEN,
        cleared=array.role in ("output", "scratch"),
        values=array.values,
    )


def _pipeline(plan: PipelineSchedule, ports: dict[str, int]) -> PipelineShape:
    graph = plan.graph
    numbers = {operation.name: k for k, operation in enumerate(graph.operations)}
    stages = tuple(
        _stage(plan, operation, numbers, ports.get(operation.name, 0))
        for operation in graph.operations
    )
    trips = tuple(loop.extent for loop in graph.loops)
    return PipelineShape(graph.word.bits, trips, plan.ii, plan.length, stages)


def _stage(
    plan: PipelineSchedule, operation: Operation, numbers: dict[str, int], port: int
) -> StageShape:
    def tap(operand: Value) -> ValueTap:
        if operand.distance > 1 and operand.start:
            raise UnsupportedOp(
                f"{plan.graph.name}, operation {operation.name}",
                f"expected a start value over a distance of 1, found distance {operand.distance}",
                "Carry the value from iteration to iteration with 'move'.",
            )
        delay = value_delay(plan, operation.name, operand)
        start = operand.start if operand.distance == 1 else None
        return ValueTap(numbers[operand.operation], delay, start, operand.level)

    predicate = operation.predicate
    return StageShape(
        name=operation.name,
        operator=operation.operator,
        time=plan.times[operation.name],
        latency=latency(operation),
        operands=tuple(
            ConstantTap(operand.value) if isinstance(operand, Constant) else tap(operand)
            for operand in operation.operands
        ),
        predicate=tap(predicate) if isinstance(predicate, Value) else predicate,
        clear=operation.clear,
        when=operation.when,
        access=_access(plan.graph, operation, port),
    )


def _access(graph: LoopGraph, operation: Operation, port: int) -> AccessShape | None:
    if operation.operator == "affine":
        assert operation.address is not None
        counter = _counter(graph, operation.address)
        return AccessShape(0, 1, graph.word.bits, True, 0, counter)
    if operation.operator not in ("load", "store"):
        return None
    assert operation.array is not None and operation.address is not None
    array = graph.array(operation.array)
    indexed = len(operation.operands) == (1 if operation.operator == "load" else 2)
    return AccessShape(
        port=port,
        size=array.size,
        element_bits=array.element.bits,
        signed=array.element.signed,
        offset=operation.address.offset,
        affine=None if indexed else _counter(graph, operation.address),
        wrap_bits=operation.wrap_bits,
    )


def _counter(graph: LoopGraph, address: Affine) -> CounterShape:
    """The affine function as a counter: what is added when each level is the outermost one that advances."""
    strides = [address.coefficient(loop.name) for loop in graph.loops]
    extents = [loop.extent for loop in graph.loops]
    steps = deltas(strides, extents)
    return CounterShape(address.offset, (-growth(strides, extents), *steps))


def _manifest(kernel: Kernel, plans: Sequence[PipelineSchedule]) -> Manifest:
    """The manifest: values are the kernel's arrays."""
    arrays = {array.name: array for array in _arrays(kernel)}
    inputs, outputs = _ports(tuple(arrays.values()))

    def ports(names: dict[str, str]) -> tuple[Port, ...]:
        return tuple(
            Port(
                name,
                name,
                tuple(arrays[name].shape),
                tuple(range(len(arrays[name].shape))),
                (1, arrays[name].size, 1),
                arrays[name].element,
                prefix,
            )
            for name, prefix in names.items()
        )

    # Arrays that are not loaded are cleared meanwhile, an element a cycle.
    loaded = max((array.size for array in arrays.values() if array.values is None), default=0)
    given = max((arrays[name].size for name in outputs), default=0)
    cycles = loop_contract.kernel_pipeline_cycles(loaded=loaded, runs=_runs(plans), given=given)
    return Manifest(
        kind="stream_kernel",
        inputs=ports(inputs),
        outputs=ports(outputs),
        interval_cycles=cycles + 1,  # it turns to loading in the cycle after the last word
        latency_cycles=cycles - 1,  # the first and the last word are in cycles of their own
    )


def _runs(plans: Sequence[PipelineSchedule]) -> list[int]:
    return [
        loop_contract.loop_pipeline_cycles(
            iterations=plan.graph.iterations, interval=plan.ii, length=plan.length
        )
        for plan in plans
    ]


__all__ = ["PipelineTop", "emit_pipeline", "kernel_shape"]
