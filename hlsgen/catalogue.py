"""What there is to choose from: boards, fabrics, operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsgen.board import Board
    from hlsgen.fabric.ir import Fabric


def list_boards() -> tuple[Board, ...]:
    """The boards that come with hlsgen, in order of name."""
    from hlsgen.board import boards

    return boards()


def list_fabrics() -> tuple[Fabric, ...]:
    """The fabrics that come with hlsgen, in order of name."""
    from hlsgen.fabric.file import presets

    return tuple(preset.fabric for preset in presets())


def list_operators() -> tuple[tuple[str, str, str], ...]:
    """The ONNX operators that are read: name, versions of the operator set, and where it is computed."""
    from hlsgen.ops import supported_operators

    return tuple(supported_operators())
