"""Small bad models: `check` and `compile` refuse each with one reason, in three lines that name the node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from errors.cases_operators import appended, attribute, operands
from onnx import helper, numpy_helper
from support.bad_models import EDITS, Edit, good

from hlsgen import flow
from hlsgen.errors import HlsgenError
from hlsgen.frontend.support import support


def between(op_type: str, *constants: object, **attributes: object) -> Edit:
    """One more operator on the reals between two quantised ones: behind the first Dequantize of activations."""

    def edit(model: onnx.ModelProto) -> None:
        constant = {tensor.name for tensor in model.graph.initializer}
        place, first = next(
            (k, node)
            for k, node in enumerate(model.graph.node)
            if node.op_type == "DequantizeLinear" and node.input[0] not in constant
        )
        value, name = first.output[0], f"{op_type}_between"
        names = [f"{name}_{k}" for k in range(len(constants))]
        for more, array in zip(names, constants, strict=True):
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), more))
        for node in model.graph.node:
            node.input[:] = [name if each == value else each for each in node.input]
        inserted = helper.make_node(op_type, [value, *names], [name], name=name, **attributes)
        model.graph.node.insert(place + 1, inserted)
        if model.opset_import[0].version < 18:
            model.opset_import[0].version = 18

    return edit


ONE = np.float32(1)
HOSTED: dict[str, Edit] = {
    "LpNormalization between": between("LpNormalization", axis=1),
    "LRN between": between("LRN", size=3),
    "MeanVarianceNormalization between": between("MeanVarianceNormalization"),
    "Hardmax between": between("Hardmax", axis=1),
    "CumSum between": between("CumSum", np.array(2)),
    "Trilu between": between("Trilu"),
    "Einsum between": between("Einsum", equation="abcd->abcd"),
    "an operator of a newer opset": between("Attention"),
    "text operator": between("StringNormalizer"),
    "random numbers": between("Bernoulli"),
    "training operator": between("Momentum"),
    "Loop": between("Loop"),
    "sequence": between("SplitToSequence"),
}
"""Operators that are computed on the host, if at all: none of them has a circuit between two integer operators."""
WRITTEN_WRONG: dict[str, Edit] = {
    "operands of a Relu": operands("Relu", "v3", "v3"),
    "attribute of another type": attribute("Conv", "group", 1.5),
    "groups that do not divide": attribute("Conv", "group", 2),
    "Reshape without a shape": appended("Reshape", "*"),
    "Reshape to another size": appended("Reshape", "*", constants=(), shape=[7]),
    "Cast to text": appended("Cast", "*", to=8),
    "axis that is text": attribute("QuantizeLinear", "axis", "x"),
    "Transpose that is not a permutation": appended("Transpose", "*", perm=[0, 0, 1, 2]),
    "Flatten along no axis": appended("Flatten", "*", axis=9),
    "Softmax along no axis": appended("Softmax", "*", axis=9),
}
BAD: dict[str, Edit] = {name: edit[0] for name, edit in EDITS.items()} | HOSTED | WRITTEN_WRONG


def test_there_are_at_least_sixty_bad_models() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize("case", BAD)
def test_check_and_compile_refuse_a_bad_model_with_one_reason(case: str, tmp_path: Path) -> None:
    model = good()
    BAD[case](model)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(HlsgenError) as compiled:
        flow.compile(path, output=tmp_path / "design")
    error = compiled.value
    lines = str(error).splitlines()
    assert error.exit_code == 2 and len(lines) == 3 and not (tmp_path / "design").exists()
    assert lines[0].startswith("net.onnx") or "net.onnx" in lines[0]
    try:
        rows = support(path)
    except HlsgenError as checked:
        assert str(checked) == str(error)
        return
    refused = [row for row in rows if row.where == "unsupported"]
    assert any(row.reason in error.problem and row.node in error.where for row in refused), rows
