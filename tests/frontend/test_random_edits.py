"""Models broken at random are read or refused in three lines; nothing else is ever raised."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from test_operators_to_verilog import CASES

from hlsgen.errors import HlsgenError
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import support
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer

NUMBERS = [0, -1, 5, 4096, 1 << 20, 1 << 40, -(1 << 63), (1 << 63) - 1]
REALS = [2.5, -0.0, float("nan"), float("inf"), 3e38]
LISTS = [[0], [1, 2, 3, 4, 5], [-1, -1], [0] * 4, [1.5], [4095] * 4, [1 << 20] * 4, [1 << 40] * 2]
VALUES = [*NUMBERS, *REALS, "x", *LISTS, list(range(70))]
LOCATIONS = ["", ".", "..", "net.onnx", "w\0.bin", "w" * 5000, "/etc/passwd", "a/../../b"]
DTYPES = [np.float32, np.int8, np.uint8, np.int64, np.int32, np.float16, np.float64, np.bool_]
MODELS = [make()[0] for make in CASES.values()]
OPERATORS = sorted({node.op_type for model in MODELS for node in model.graph.node})


def edit_operand(random: Random, model: onnx.ModelProto) -> None:
    """Cut a node's operands, empty one, or exchange it for another value."""
    node = random.choice([node for node in model.graph.node if node.input])
    position = random.randrange(len(node.input))
    values = [value for other in model.graph.node for value in (*other.input, *other.output)]
    if random.random() < 0.3:
        del node.input[position:]
    else:
        node.input[position] = random.choice(["", *values])


def edit_attribute(random: Random, model: onnx.ModelProto) -> None:
    nodes = [node for node in model.graph.node if node.attribute]
    if not nodes:
        return
    node = random.choice(nodes)
    position = random.randrange(len(node.attribute))
    name = node.attribute[position].name
    del node.attribute[position]
    if random.random() < 0.8:
        node.attribute.append(helper.make_attribute(name, random.choice(VALUES)))


def edit_constant(random: Random, model: onnx.ModelProto) -> None:
    tensor = random.choice(model.graph.initializer)
    array = numpy_helper.to_array(tensor)
    changed = random.choice(
        [
            array.reshape(-1),
            array[None],
            array.astype(random.choice(DTYPES)),
            np.zeros_like(array),
            array.reshape(-1)[:0],
        ]
    )
    tensor.CopyFrom(numpy_helper.from_array(np.array(changed), tensor.name))


def edit_input(random: Random, model: onnx.ModelProto) -> None:
    kind = model.graph.input[0].type.tensor_type
    extents = kind.shape.dim
    choice = random.randrange(3)
    if choice == 0:
        del extents[random.randrange(len(extents))]
    elif choice == 1:
        extents[random.randrange(len(extents))].dim_value = random.choice([0, -3, 1, 2, 7, 1000])
    else:
        kind.elem_type = random.randrange(24)


def edit_operator(random: Random, model: onnx.ModelProto) -> None:
    if random.random() < 0.7:
        random.choice(model.graph.node).op_type = random.choice(OPERATORS)
    else:
        model.opset_import[0].version = random.choice([0, 1, 7, 10, 11, 12, 13, 18, 23, 99])


def edit_extents(random: Random, model: onnx.ModelProto) -> None:
    """Other extents than a constant's data has."""
    tensor = random.choice(model.graph.initializer)
    tensor.dims.extend(random.choice([[0], [-1], [1], [1] * 70, [1 << 62] * 2, [0, 1 << 62]]))
    if random.random() < 0.3:
        del tensor.dims[0]


def edit_storage(random: Random, model: onnx.ModelProto) -> None:
    """A constant whose data lie elsewhere, or are of another type than declared."""
    tensor = random.choice(model.graph.initializer)
    if random.random() < 0.3:
        tensor.data_type = random.randrange(24)
        return
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entries = {
        "location": random.choice(LOCATIONS),
        "offset": str(random.choice([*NUMBERS, 1 << 70, "x"])),
        "length": str(random.choice([*NUMBERS, 1 << 70, ""])),
    }
    for key in random.sample(sorted(entries), random.randrange(4)):
        tensor.external_data.add(key=key, value=entries[key])


def edit_results(random: Random, model: onnx.ModelProto) -> None:
    """A node without, with too many or with other results; nodes in another order; other graph outputs."""
    node = random.choice(model.graph.node)
    values = [value for other in model.graph.node for value in (*other.input, *other.output)]
    choice = random.randrange(4)
    if choice == 0:
        del node.output[:]
    elif choice == 1:
        node.output.append(random.choice(["", "more", *values]))
    elif choice == 2:
        node.output[0] = random.choice(["", *values])
    else:
        model.graph.output.add(name=random.choice(["", "nowhere", *values]))


EDITS = (
    edit_operand,
    edit_attribute,
    edit_constant,
    edit_input,
    edit_operator,
    edit_extents,
    edit_storage,
    edit_results,
)


@pytest.fixture
def four_gigabytes() -> Iterator[None]:
    """What a model declares must not decide what is allocated."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "edits", [400, pytest.param(8000, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_a_model_edited_at_random_is_read_or_refused(
    edits: int, four_gigabytes: None, tmp_path: Path
) -> None:
    refused, path = 0, tmp_path / "net.onnx"
    for seed in range(edits):
        random = Random(seed)
        model = onnx.ModelProto()
        model.CopyFrom(random.choice(MODELS))
        random.choice(EDITS)(random, model)
        path.write_bytes(model.SerializeToString())
        try:
            lower(to_integer(read_model(path)).hardware)
        except HlsgenError as error:
            refused += 1
            assert len(str(error).splitlines()) == 3, (seed, str(error))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        try:
            support(path)
        except HlsgenError as error:
            assert len(str(error).splitlines()) == 3, (seed, str(error))
        except Exception as error:
            raise AssertionError(f"seed {seed}, check: {error!r}") from error
    assert edits // 4 < refused < edits
