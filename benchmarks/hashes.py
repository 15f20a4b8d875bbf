"""The net under a change of structure: SHA-256 of everything that is generated for digits, networks and kernels.

``python -m benchmarks.hashes [DESIGN ...]`` compares with ``benchmarks/hashes.json`` and names each file that differs (exit code 1);
``--record`` writes the hashes there instead. ``--models DIR`` as for ``benchmarks.run``: designs whose model is absent are left out, and named.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import hlsgen
from benchmarks.models import ROOT, Sources

RECORDS = ROOT / "benchmarks" / "hashes.json"
FILES = ("design.v", "setup.bin", "sample.bin", "configurations.bin", "report.json")
BOARDS = {"ulx3s_85f": 1250, "icebreaker": 6000, "tang_nano_20k": 1350}
"""Boards of digits, and the cycles that a sample may take there."""
INTERVALS = {
    "digits": 1250,
    "ad_fcae_int8": 6250,
    "kws_dscnn_int8": 50_000,
    "ic_resnet8_int8": 100_000,
}
"""Networks, and the cycles that a sample may take on the stream schedule."""
KERNELS = tuple(sorted(path.stem for path in (ROOT / "examples" / "kernels").glob("*.py")))
Hashes = dict[str, str]


@dataclass(frozen=True)
class Generated:
    """A design by name: ``network`` is the model that it needs (None: a kernel); ``generate`` writes it into a folder."""

    name: str
    network: str | None
    generate: Callable[[Sources, Path], object]


def _network(name: str, options: dict[str, object], sources: Sources, folder: Path) -> None:
    hlsgen.compile(sources.model(name), output=folder, **options)  # type: ignore[arg-type]


def _kernel_pipeline(name: str, sources: Sources, folder: Path) -> None:
    hlsgen.compile(f"{ROOT / 'examples' / 'kernels' / name}.py:{name}", output=folder)


def _kernel_mapping(name: str, sources: Sources, folder: Path) -> None:
    source = f"{ROOT / 'examples' / 'kernels' / name}.py:{name}"
    hlsgen.map_kernel(source, output=folder, exact=False)


def designs() -> tuple[Generated, ...]:
    """Every design of the net."""
    rows = [
        Generated(
            f"digits@{board}",
            "digits",
            partial(_network, "digits", {"board": board, "interval": interval}),
        )
        for board, interval in BOARDS.items()
    ]
    for name, interval in INTERVALS.items():
        stream = {"board": "ulx3s_85f", "interval": interval}
        rows.append(Generated(f"{name}:stream", name, partial(_network, name, stream)))
        rows.append(Generated(f"{name}:grid", name, partial(_network, name, {"schedule": "grid"})))
    for name in KERNELS:
        rows.append(Generated(f"{name}:stream", None, partial(_kernel_pipeline, name)))
        rows.append(Generated(f"{name}:grid", None, partial(_kernel_mapping, name)))
    return tuple(rows)


def hashes_of(design: Generated, sources: Sources) -> Hashes:
    """SHA-256 by file name of what hlsgen generates now. Raises HlsgenError."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "design"
        design.generate(sources, folder)
        files = [folder / name for name in FILES]
        return {f.name: hashlib.sha256(_content(f)).hexdigest() for f in files if f.exists()}


def _content(file: Path) -> bytes:
    """The bytes of a file; of a report without the seconds that the search took."""
    if file.name != "report.json":
        return file.read_bytes()
    report = json.loads(
        file.read_text(),
        object_hook=lambda values: {k: v for k, v in values.items() if k != "seconds"},
    )
    return json.dumps(report, sort_keys=True).encode()


def present(design: Generated, sources: Sources) -> bool:
    """Whether the model of a design is here."""
    if design.network in (None, "digits"):
        return True
    return sources.models is not None and (sources.models / str(design.network)).is_dir()


def main() -> int:
    """Compare or record; exit code 1 where a file differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hashes", description=__doc__)
    parser.add_argument("designs", nargs="*", help="only these (shell patterns); else all")
    parser.add_argument("--record", action="store_true", help="write the records instead")
    parser.add_argument("--models", type=Path, help="folder of the networks made by others")
    options = parser.parse_args()
    sources = Sources.find(options.models)
    recorded: dict[str, Hashes] = json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    differing = 0
    for design in designs():
        if options.designs and not any(fnmatch(design.name, p) for p in options.designs):
            continue
        if not present(design, sources):
            print(f"{design.name}: left out, no folder {design.network} of models", flush=True)
            continue
        now = hashes_of(design, sources)
        before = recorded.get(design.name, {})
        changed = [name for name in FILES if now.get(name) != before.get(name)]
        print(
            f"{design.name}: {'differs: ' + ', '.join(changed) if changed else 'same'}", flush=True
        )
        differing += bool(changed)
        recorded[design.name] = now
    if options.record:
        RECORDS.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        return 0
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
