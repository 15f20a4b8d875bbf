"""docs/kernels.md: its Python runs, and its schedules are legal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "kernels.md").read_text()


def run(folder: Path, name: str, source: str) -> None:
    """As a user would: a file, run in its folder."""
    (folder / name).write_text(source)
    done = subprocess.run(
        [sys.executable, name], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    kernel, use, early, straight, beside, schedule = re.findall(
        r"```python\n(.*?)```", PAGE, flags=re.S
    )
    run(tmp_path, "fir.py", kernel)
    run(tmp_path, "use.py", use)
    head = "import hlsgen\nfrom hlsgen import In, Out, s16, s32, u16\n"
    check = "(graph,) = square_roots.lower().graphs\nassert graph.iterations == 8 * 255\n"
    run(tmp_path, "square_roots.py", f"{head}{early}\n{check}")
    run(tmp_path, "normalise.py", f"{head}{straight}\nassert len(normalise.lower().graphs) == 3\n")
    check = "(graph,) = centred.lower().graphs\nassert graph.iterations == 8 * (11 + 12)\n"
    run(tmp_path, "centred.py", f"{head}{beside}\n{check}")
    source = (ROOT / "examples" / "kernels" / "matrix_multiply.py").read_text()
    (tmp_path / "matrix_multiply.py").write_text(source)
    run(tmp_path, "schedule.py", schedule)


def test_the_kernel_of_the_page_is_the_example() -> None:
    kernel = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)[0]
    example = (ROOT / "examples" / "kernels" / "fir.py").read_text()
    assert example.endswith(kernel)
