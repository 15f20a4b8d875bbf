"""The pages of folders in a browser: no script fails, nothing is asked of the network, contrast and keyboard are as WCAG 2.1 AA wants them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.browser import seen

from hlsgen import flow
from hlsgen.flow_explore import explore
from hlsgen.frontend.samples import load_samples

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
KERNEL = f"{ROOT / 'examples' / 'kernels' / 'fir.py'}:fir"


def check(page: Path, folder: Path) -> None:
    report = seen(page, folder, folder / "picture.png")
    assert report["loaded"] and not report["script_errors"]
    assert {address.partition(":")[0] for address in report["asked"]} <= {"file", "data", "blob"}
    assert [a for a in report["asked"] if a.startswith("file")] == [page.absolute().as_uri()]
    assert not report["elsewhere"] and not report["dead"], "links lead out of the page"
    assert not report["unreachable"], "no key reaches these"
    assert report["violations"] == []
    assert (folder / "picture.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("source", ["digits", "ic_resnet8_int8", "kernel", "grid"])
def test_a_report_is_in_order_in_a_browser(source: str, tmp_path: Path) -> None:
    model = DIGITS
    if source == "ic_resnet8_int8":
        folder = Path(os.environ.get("HLSGEN_MODELS", "models")) / source
        models = sorted(folder.glob("*.onnx"))
        if not models:
            pytest.skip("needs the model: HLSGEN_MODELS")
        model = models[0]
    match source:
        case "kernel":
            design = flow.map_kernel(KERNEL, time_limit=5, output=tmp_path / "design")
        case "grid":
            design = flow.compile(model, schedule="grid", output=tmp_path / "design")
        case _:
            design = flow.compile(model, output=tmp_path / "design")
    if source == "digits":
        design.verify(load_samples(DIGITS.with_name("samples.npz")), samples=2, engine="fast")
    check(design.directory / "report.html", tmp_path)


@pytest.mark.slow
def test_an_exploration_is_in_order_in_a_browser(tmp_path: Path) -> None:
    explore(DIGITS, ["icebreaker"], points=6, checks=1, output=tmp_path / "o")
    check(tmp_path / "o" / "explore.html", tmp_path)


@pytest.mark.slow
def test_a_page_out_of_order_is_told(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        '<html><body><p style="color:#ccc;background:#fff">pale</p><a href="https://example.com">out</a>'
        '<a href="#nowhere">dead</a><button tabindex="-1">no key</button><script>nothing.at.all()</script></body></html>'
    )
    report = seen(page, tmp_path)
    assert len(report["script_errors"]) == 1 and report["dead"] == ["#nowhere"]
    assert report["elsewhere"] == ["https://example.com"] and len(report["unreachable"]) == 1
    assert "color-contrast" in {fault["rule"] for fault in report["violations"]}
