"""What is promised of a network's outputs against ONNX Runtime, from its integer form."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hlsgen.artefact.declared import Declared, Session
from hlsgen.frontend.reference import comparable
from hlsgen.graph.ir import Graph
from hlsgen.passes.host_cut import IntegerModel

if TYPE_CHECKING:
    import onnx


def declared_outputs(model: onnx.ModelProto, integer: IntegerModel) -> tuple[Declared, ...]:
    """One entry per output of ``integer.hardware`` that ONNX Runtime has too: equality with the session whose kernels compute in integers."""
    session = matched_session(integer.hardware)
    return tuple(Declared(value, session) for value in comparable(model, integer))


def matched_session(hardware: Graph) -> Session:
    """The session that computes a graph in integers: the default one does so for unsigned activations with one reader each (see
    ``frontend/reference.py``)."""
    readers = Counter(value for node in hardware.nodes for value in set(node.inputs))
    values = (*hardware.inputs, *(node.output for node in hardware.nodes))
    signed = any(hardware.types[value].integer.signed for value in values)
    shared = any(readers[value] > 1 for value in values)
    return "integer" if signed or shared else "default"
