"""States: outputs of a model that are its inputs in the next sample, and are kept in the circuit in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hlsgen.errors import BadOption
from hlsgen.graph.ir import Graph, Node, StateValue
from hlsgen.ops.activation import Identity
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.tensor_type import TensorType
from hlsgen.passes.host_cut import IntegerModel

OPTION = "--state"
MOST_NAMES = 8
"""Names that an error lists."""


def check_states(graph: Graph, states: Mapping[str, str]) -> None:
    """Raise BadOption unless each output of ``states`` can be kept for its input: names, shapes, types."""
    for output, input in states.items():
        pair = f"{output}={input}"
        for name, known, what in (
            (output, graph.outputs, "output"),
            (input, graph.inputs, "input"),
        ):
            if name not in known:
                raise _refused(
                    pair,
                    f"expected an {what} of the model ({_listed(known)}), found {name!r}",
                    "Write OUT=IN with names of the model; an input or output is named once.",
                )
        written, read = graph.types[output], graph.types[input]
        if written.shape != read.shape or written.element != read.element:
            raise _refused(
                pair,
                f"expected an output and an input of one shape and type, found {written} and {read}",
                "Name the output that is fed back to this input, or change the model so that they agree.",
            )
    if twice := [name for name in states.values() if list(states.values()).count(name) > 1]:
        raise _refused(
            twice[0],
            f"expected one output for each input, found several for {twice[0]}",
            "Leave all but one of them out.",
        )
    for what, names, used in (
        ("input", graph.inputs, states.values()),
        ("output", graph.outputs, states.keys()),
    ):
        if set(names) <= set(used):
            raise _refused(
                ", ".join(used),
                f"expected an {what} besides the states, found none: the circuit would have no port for it",
                f"Leave one of the states out, or give the model an {what} of its own (an Identity will do).",
            )


def with_integer_states(
    graph: Graph, states: Mapping[str, str]
) -> tuple[Graph, tuple[StateValue, ...]]:
    """The graph with states as integers, in the quantisation of the input that each is read through. Raises BadOption where it has none."""
    kept = []
    for output, input in states.items():
        type = graph.types[input]
        if type.is_integer:
            kept.append(StateValue(output, input, 0, (output, input)))
            continue
        graph, state = _quantised(graph, output, input)
        kept.append(state)
    return graph, tuple(kept)


def _quantised(graph: Graph, output: str, input: str) -> tuple[Graph, StateValue]:
    """``input`` becomes integers that are dequantised at once, and ``output`` is quantised as they are: what is kept are integers."""
    quantize = _reading(graph, output, input)
    shape = graph.types[input].shape
    integers = TensorType(shape, quantize.element, quantize.quantisation)
    real, written = _fresh(graph, f"{input}_real"), _fresh(graph, f"{output}_kept")
    dequantize = DequantizeLinear(quantize.quantisation)
    first = Node(f"state_{input}", dequantize, (input,), real)
    last = Node(f"state_{output}", quantize, (output,), written)
    nodes = tuple(
        replace(n, inputs=tuple(real if v == input else v for v in n.inputs)) for n in graph.nodes
    )
    types = {**graph.types, input: integers, real: graph.types[input], written: integers}
    outputs = tuple(written if name == output else name for name in graph.outputs)
    changed = replace(graph, nodes=(first, *nodes, last), outputs=outputs, types=types)
    initial = quantize.quantisation.zero_point[0]
    return changed, StateValue(written, input, initial, (output, input))


def _reading(graph: Graph, output: str, input: str) -> QuantizeLinear:
    """The Quantize through which everyone reads an input, perhaps behind operators that only move elements."""
    quantizers: list[QuantizeLinear] = []
    others: list[str] = []
    waiting = list(graph.consumers.get(input, ()))
    while waiting:
        node = waiting.pop()
        if isinstance(node.op, QuantizeLinear):
            quantizers.append(node.op)
        elif node.op.moves_data and len(node.inputs) == 1:
            waiting += graph.consumers.get(node.output, ())
        else:
            others.append(f"{node.name} ({node.op.name})")
    kinds = {(op.quantisation.scale, op.quantisation.zero_point, op.element) for op in quantizers}
    if others or len(kinds) != 1 or not quantizers[0].quantisation.per_tensor:
        scales = ", ".join(f"{op.quantisation.scale[0]:g}" for op in quantizers) or "none"
        told = f"; read without one by {_listed(tuple(others))}" if others else ""
        raise _refused(
            f"{output}={input}",
            f"expected one Quantize of one scale through which {input} is read, found scales: {scales}{told}",
            "Quantise this input once, or give float models samples to quantise it with: --calibrate.",
        )
    return quantizers[0]


def with_own_outputs(
    graph: Graph, outputs: tuple[str, ...], states: tuple[StateValue, ...]
) -> tuple[Graph, tuple[StateValue, ...]]:
    """Each state as a value of its own, read by no one: the passes may have found it equal to an input or to another output.

    ``outputs``: those of the graph before the passes, in the same order.
    """
    kept = []
    for state in states:
        place = outputs.index(state.output)
        value, name = graph.outputs[place], _fresh(graph, f"{state.input}_next")
        nodes, made_by = graph.nodes, graph.producers.get(value)
        if made_by is not None and isinstance(made_by.op, Identity):  # only keeps the name
            nodes = tuple(node for node in nodes if node is not made_by)
            (value,) = made_by.inputs
        copied = Node(f"state_{state.input}", Reshape(graph.types[value].shape), (value,), name)
        graph = replace(
            graph,
            nodes=(*nodes, copied),
            types={**graph.types, name: graph.types[value]},
            outputs=(*graph.outputs[:place], name, *graph.outputs[place + 1 :]),
        )
        kept.append(replace(state, output=name))
    return graph, tuple(kept)


def closed(model: IntegerModel, states: tuple[StateValue, ...]) -> IntegerModel:
    """The integer model with its states in hardware, where host parts do not see them. Raises BadOption for a state that the host makes."""
    hardware = model.hardware
    for state in states:
        for name, known, what in (
            (state.output, hardware.outputs, "written"),
            (state.input, hardware.inputs, "read"),
        ):
            if name not in known:
                raise _refused(
                    "=".join(state.of),
                    f"expected a state that the circuit keeps, found one that is {what} on the host",
                    "Quantise the operators between this state and the others; 'hlsgen check' says where each node runs.",
                )
    written = {state.output for state in states}
    read = {state.input for state in states}
    before, after = model.host_before, model.host_after
    return IntegerModel(
        replace(
            before, inputs=_without(before.inputs, read), outputs=_without(before.outputs, read)
        ),
        replace(hardware, states=states),
        replace(
            after, inputs=_without(after.inputs, written), outputs=_without(after.outputs, written)
        ),
    )


def refuse_states(hardware: Graph, expected: str, found: str, option: str) -> None:
    """Raise BadOption for a network with states where ``option`` asks for what cannot keep them."""
    for state in hardware.states:
        raise _refused(
            "=".join(state.of),
            f"expected {expected}, which can keep a state between samples; found {found}",
            f"Leave {option} out; or leave --state out and feed the output back yourself.",
        )


def refuse_precision(states: Mapping[str, str]) -> None:
    """Raise BadOption for states of a network in fixed point, whose formats differ from output to input."""
    for pair in states.items():
        raise _refused(
            "=".join(pair),
            "expected a network that is quantised or --calibrate, found --precision: its outputs and inputs have formats of their own",
            "Quantise to 8 bits with --calibrate samples.npz; or leave --state out and feed the output back yourself.",
        )


def _without(names: tuple[str, ...], left_out: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in left_out)


def _fresh(graph: Graph, hint: str) -> str:
    name = hint
    while name in graph.types:
        name = f"{name}_"
    return name


def _listed(names: tuple[str, ...]) -> str:
    more = ", ..." if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _refused(pair: str, problem: str, remedy: str) -> BadOption:
    return BadOption(f"{OPTION} {pair}", problem, remedy)
