"""Files of networks of tables: JSON that becomes an ONNX model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from hlsgen.errors import BadFile
from hlsgen.frontend.additive_tables import additive_model, is_additive
from hlsgen.frontend.logic_tables import is_logic, logic_model

if TYPE_CHECKING:
    import onnx

SUFFIX = ".json"


def is_table_file(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a source names a network of tables."""
    return isinstance(source, str | os.PathLike) and os.fspath(source).endswith(SUFFIX)


def read_tables(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """The model of a file. Raises BadFile for what is not a network of tables, or a wrong one."""
    file = Path(path)
    content = _content(file)
    if is_additive(content):
        return additive_model(content, file.name, _output_bits(file.parent / "config.json"))
    if is_logic(content):
        return logic_model(content, file.name)
    raise BadFile(
        str(file),
        'expected a network of tables (entries "0_0_0", ... of an additive one; format "hlsgen.logic"), found other JSON',
        "See docs/tables.md for the forms that are read.",
    )


def _content(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, not JSON
        raise BadFile(
            str(file),
            f"expected a JSON file, found none: {getattr(error, 'strerror', None) or error}",
            "Give the path of a readable .json file.",
        ) from error


def _output_bits(config: Path) -> int | None:
    """Bits of the last results as the configuration beside the tables has them; None where there is none."""
    if not config.is_file():
        return None
    widths = _content(config)
    widths = widths.get("layers_bitwidth") if isinstance(widths, dict) else None
    if widths is None:
        return None
    last = widths[-1] if isinstance(widths, list) and widths else None
    if type(last) is not int or not 1 <= last <= 32:
        raise BadFile(
            f"{config}, layers_bitwidth",
            f"expected numbers of bits from 1 to 32, found {widths!r:.60}",
            "Correct the file, or remove it: then the last results are as wide as the last tables' values.",
        )
    return last
