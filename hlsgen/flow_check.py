"""What hlsgen makes of a model, before it is compiled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hlsgen.arguments import check_arguments
from hlsgen.flow_arguments import CHECKED
from hlsgen.numbers import Numbers, SampleSource
from hlsgen.progress import silent

if TYPE_CHECKING:
    import onnx

    from hlsgen.frontend.support import NodeSupport


def check(
    model: str | os.PathLike[str] | onnx.ModelProto,
    calibrate: SampleSource | None = None,
    state: Mapping[str, str] | None = None,
) -> list[NodeSupport]:
    """Where every node of a model runs, and why: what ``compile`` says of it before it asks for a board. Raises HlsgenError."""
    from hlsgen.frontend.support import support
    from hlsgen.targets.network_source import read_network

    check_arguments("hlsgen.check", CHECKED, locals())

    def lower(quantised: str | os.PathLike[str] | onnx.ModelProto) -> None:
        read_network(quantised, Numbers(), silent, state or {}).lowered(True, silent)

    return support(model, calibrate, lower, state or {})
