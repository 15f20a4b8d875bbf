"""``docs/conformance.md``: a table of the official suite's operators, device by device.

The results of each device are kept in ``benchmarks/conformance.json``, so that one device may be run again without the others.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import onnx

from benchmarks.conformance_outcome import VERDICTS, Outcome
from benchmarks.models import ROOT

RECORD = ROOT / "benchmarks" / "conformance.json"
PAGE = ROOT / "docs" / "conformance.md"
_HEAD = """# Conformance

The official suite of ONNX (`onnx.backend.test` of onnx {version}, without the models that it would download) on the devices of `hlsgen.backend`:
`CPU` is the meaning of the operators on NumPy, `RTL` a circuit compiled and simulated with Verilator under random stalls, whose reals are fixed-point numbers of
24 bits with the ranges of the case's inputs (results within the suite's tolerance, or within 2^-10 of their range). Written by `make conformance`.
*Core* are the cases of one operator among those that hlsgen promises, on tensors of fixed shapes and of float32, (u)int8, int32, int64 or truth values.
A case is *refused* where hlsgen says in one sentence why it does not take it; *failed* would be a wrong result or any other error.

"""


def write_page(device: str, results: Sequence[Outcome]) -> None:
    """Takes the results of a device into the record, and writes the page anew."""
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    record["onnx"] = onnx.__version__
    record.setdefault("devices", {})[device] = {
        verdict: _grouped([one for one in results if one.verdict == verdict])
        for verdict in VERDICTS
    }
    RECORD.write_text(json.dumps(record, sort_keys=True).replace("], [", "],\n[") + "\n", "utf-8")
    PAGE.write_text(page(record), "utf-8")


def _grouped(results: Sequence[Outcome]) -> list[list[Any]]:
    """[operator, core, reason without names and numbers, count], sorted."""
    counts = Counter((one.operator, one.core, _plain(one)) for one in results)
    return [[*key, count] for key, count in sorted(counts.items())]


def _plain(one: Outcome) -> str:
    """The reason, without what is only of this case."""
    problem = re.sub(r"^.*?(?=expected )", "", one.reason, flags=re.DOTALL)
    problem = re.sub(r"; the nearest are .*", "", problem)
    return re.sub(r"\s+", " ", problem)[:160]


def page(record: dict[str, Any]) -> str:
    """The page as Markdown."""
    devices = [d for d in ("CPU", "GPU", "RTL") if d in record["devices"]]
    lines = [
        "| device | cases | passed | refused | failed | core cases | passed | refused | failed |"
    ]
    lines.append("|---" * 9 + "|")
    for device in devices:
        groups = record["devices"][device]
        every = [sum(n for *_, n in groups[v]) for v in VERDICTS]
        core = [sum(n for _, is_core, _, n in groups[v] if is_core) for v in VERDICTS]
        cells = [device, sum(every), *every, sum(core), *core]
        lines.append("| " + " | ".join(f"{c:,}" if isinstance(c, int) else c for c in cells) + " |")
    lines += [
        "",
        "## By operator",
        "",
        "Passed / refused / failed. *several*: cases of more than one node.",
        "",
    ]
    lines.append("| operator | " + " | ".join(devices) + " |")
    lines.append("|---" * (len(devices) + 1) + "|")
    names = {row[0] for d in devices for v in VERDICTS for row in record["devices"][d][v]}
    for name in sorted(names):
        cells = [_cell(record["devices"][device], name) for device in devices]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for device in devices:
        lines += [
            "",
            f"## Refused on {device}",
            "",
            "| cases | operator | reason |",
            "|---|---|---|",
        ]
        reasons: Counter[tuple[str, str]] = Counter()
        for name, _, reason, count in record["devices"][device]["refused"]:
            reasons[name, reason] += count
        ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        lines += [f"| {count} | {name} | {_escaped(reason)} |" for (name, reason), count in ordered]
    return _HEAD.format(version=record["onnx"]) + "\n".join(lines) + "\n"


def _cell(groups: dict[str, list[list[Any]]], name: str) -> str:
    return " / ".join(str(sum(r[3] for r in groups[v] if r[0] == name)) for v in VERDICTS)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
