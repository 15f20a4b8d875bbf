"""Tensors of ONNX files, read without trusting what the file declares."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import BadFile, UnsupportedOp
from hlsgen.ops.limits import check_shape
from hlsgen.ops.tensor_type import F32, Element, storage

if TYPE_CHECKING:
    import onnx

# by ONNX's number of the data type
_ELEMENTS: dict[int, Element] = {
    1: F32,
    2: ElementType(8, False),
    3: ElementType(8, True),
    4: ElementType(16, False),
    5: ElementType(16, True),
    6: ElementType(32, True),
    7: ElementType(64, True),
    9: ElementType(1, False),
    10: "f16",
    11: "f64",
    12: ElementType(32, False),
    13: ElementType(64, False),
    16: "bf16",
    17: "f8e4m3fn",
    18: "f8e4m3fnuz",
    19: "f8e5m2",
    20: "f8e5m2fnuz",
    21: ElementType(4, False),
    22: ElementType(4, True),
    23: "f4e2m1",
    24: "f8e8m0",
    25: ElementType(2, False),
    26: ElementType(2, True),
}
_STREAMED = (1, 2, 3, 4, 5, 6, 7, 9, 12)
"""Data types that inputs of a model may have which is to become a circuit."""
_SUPPORTED = "float32, truth values, integers of 8 to 32 bits and int64"


def data_type_of(element: Element) -> int:
    """ONNX's number of an element type that ONNX has."""
    return next(number for number, own in _ELEMENTS.items() if own == element)


def element_of(data_type: int, where: str) -> Element:
    """The element type of an ONNX data type; raises UnsupportedOp for those that hlsgen does not have."""
    if data_type not in _ELEMENTS:
        raise UnsupportedOp(
            where,
            f"expected numbers or truth values, found {type_name(data_type)}",
            "Export the model without such tensors; text, complex numbers, sequences and maps are not read.",
        )
    return _ELEMENTS[data_type]


def streamed_element(data_type: int, where: str) -> Element:
    """The element type of a model's input; raises UnsupportedOp for those in which no circuit takes samples."""
    if data_type not in _STREAMED:
        raise UnsupportedOp(
            where,
            f"expected {_SUPPORTED}, found {type_name(data_type)}",
            "Export the model with float32 tensors, or quantise it to 8 bits.",
        )
    return _ELEMENTS[data_type]


def type_name(data_type: int) -> str:
    """ONNX's name of a data type."""
    import onnx

    names = {number: name for name, number in onnx.TensorProto.DataType.items()}
    return names.get(data_type, f"data type {data_type}").lower()


def read_tensor(
    tensor: onnx.TensorProto, folder: Path | None, where: str
) -> tuple[np.ndarray, Element]:
    """The array and element type of a tensor. Raises BadFile where declared and present data disagree."""
    where = f"{where}, tensor {tensor.name}"
    element = element_of(tensor.data_type, where)
    stored = _file_type(tensor.data_type)
    shape = tuple(tensor.dims)
    check_shape(shape, where)
    packed = _packed(element)
    size = -(-prod(shape) * stored.itemsize * packed // 8)
    if tensor.data_location == tensor.EXTERNAL:
        data = _external(tensor, folder, size, where)
    elif tensor.HasField("raw_data"):
        data = tensor.raw_data
    else:
        data = _typed(tensor, stored, shape, where, packed)
    if len(data) != size:
        raise _wrong_size(where, shape, size, len(data))
    return _values(data, stored, element, packed, prod(shape)).reshape(shape), element


def stored_bytes(tensor: onnx.TensorProto, folder: Path | None, where: str) -> bytes:
    """The bytes of external data. Raises BadFile where they are not there, or not as many as the shape says."""
    check_shape(tuple(tensor.dims), where)
    packed = _packed(element_of(tensor.data_type, where))
    size = -(-prod(tensor.dims) * _file_type(tensor.data_type).itemsize * packed // 8)
    return _external(tensor, folder, size, where)


def _packed(element: Element) -> int:
    """The bits of an element in a byte of a file; 8 where it has whole bytes."""
    packed = element.bits if isinstance(element, ElementType) else 4 if element == "f4e2m1" else 8
    return packed if packed in (2, 4) else 8


def _file_type(data_type: int) -> np.dtype:
    """The type of the elements of a file's raw data, where they take whole bytes."""
    import onnx

    native = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(data_type))
    return native.newbyteorder("<") if native.isbuiltin == 1 else native


def _values(data: bytes, stored: np.dtype, element: Element, packed: int, count: int) -> np.ndarray:
    """Raw data as values in the storage type of their element; of ``packed`` bits each, the first in the lowest."""
    if packed < 8:
        parts = np.frombuffer(data, np.uint8)[:, None] >> np.arange(0, 8, packed, dtype=np.uint8)
        codes = (parts & ((1 << packed) - 1)).reshape(-1)[:count]
        if isinstance(element, ElementType):
            return np.asarray(element.decode(codes.astype(np.int64)), storage(element))
        return codes.view(stored).astype(storage(element))
    return np.frombuffer(data, stored).astype(storage(element))


def _typed(
    tensor: onnx.TensorProto, stored: np.dtype, shape: tuple[int, ...], where: str, packed: int
) -> bytes:
    """The raw data of a tensor whose values stand in a field of their type; floats of 16 and fewer bits stand there as bit patterns."""
    fields: dict[int, Any] = {
        1: tensor.float_data,
        7: tensor.int64_data,
        11: tensor.double_data,
        12: tensor.uint64_data,
        13: tensor.uint64_data,
    }
    values = fields.get(tensor.data_type, tensor.int32_data)
    count = -(-prod(shape) * packed // 8)
    if len(values) != count:
        raise _wrong_size(where, shape, count, len(values))
    if tensor.data_type in (1, 11, 13):
        return np.array(values, stored).tobytes()
    patterns = np.array(values, np.int64).astype(f"<u{stored.itemsize}")
    return patterns.tobytes()


def _wrong_size(where: str, shape: tuple[int, ...], expected: int, actual: int) -> BadFile:
    return BadFile(
        where,
        f"expected {expected} bytes or values for shape {list(shape)}, found {actual}",
        "The file is damaged; export the model again.",
    )


def _external(tensor: onnx.TensorProto, folder: Path | None, size: int, where: str) -> bytes:
    """The bytes of external data, which must lie inside the model's folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise BadFile(
            where,
            f"expected tensors inside the ModelProto, found external data {location!r}",
            "Pass the path of the model file, or load the model with its external data.",
        )
    path = _inside(folder, location, where)
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(size)))
    except ValueError:
        offset = length = -1
    if length != size:
        raise _wrong_size(where, tuple(tensor.dims), size, length)
    try:
        present = path.stat().st_size
        if not path.is_file() or not 0 <= offset <= present - size:
            raise BadFile(
                where,
                f"expected a file {location!r} with {size} bytes from byte {offset} on, found {present} bytes"
                f"{'' if path.is_file() else ' that are not a file'}",
                "Put the whole data file beside the model.",
            )
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        raise BadFile(
            where,
            f"expected external data in {location!r}, found none: {error.strerror}",
            "Put the data file beside the model.",
        ) from error


def _inside(folder: Path, location: str, where: str) -> Path:
    """The path of external data; raises BadFile where it does not lie inside the model's own tree.

    That is the model's folder, and for a model in the snapshot of a hub's cache (``<model>/snapshots/<revision>/``) what links in it
    point to in ``<model>/blobs``.
    """
    root = folder.resolve()
    try:
        path = (root / location).resolve()
    except (ValueError, OSError, RuntimeError):  # a NUL, a name too long, a loop of links
        path = root.parent
    named_inside = (
        location and not Path(location).is_absolute() and ".." not in Path(location).parts
    )
    if location and (path.is_relative_to(root) or (named_inside and path.parent == _blobs(root))):
        return path
    raise BadFile(
        where,
        f"expected external data inside the model's folder, found {location!r}",
        "Move the data beside the model; files elsewhere are not read.",
    )


def _blobs(root: Path) -> Path | None:
    """Where a hub's cache keeps the files that a snapshot links to; None for folders that are not in one."""
    snapshots = next((parent for parent in root.parents if parent.name == "snapshots"), None)
    return None if snapshots is None else snapshots.parent / "blobs"
