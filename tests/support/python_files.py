"""Kernels from source text."""

from __future__ import annotations

import re
from pathlib import Path

from hlsgen.loops.python.kernel import PythonKernel, load_python_kernel

HEAD = "import hlsgen\nfrom hlsgen import In, InOut, Out, s8, s16, s32, u8, u16, u32\n"


def kernel_of(folder: Path, source: str) -> PythonKernel:
    """The last kernel of a file with this text below the usual imports."""
    name = re.findall(r"def (\w+)\(", source)[-1]
    path = folder / f"{name}.py"
    path.write_text(HEAD + source)
    return load_python_kernel(path, name)
