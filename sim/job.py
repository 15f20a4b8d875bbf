"""What a simulation is to do and what it found, as files in one folder: both engines read and write the same.

``job.json`` describes a :class:`Job`. Words are raw little-endian binary, ``word_bytes`` each: ``<axis>.words`` holds those of an input,
and the engine writes those of an output. ``<axis>.cycles`` (64-bit little-endian) holds the cycle of each word that an output gave, and
the cycle in which an input's first word of each sample was accepted; ``<instance>.offered.cycles`` that in which each word of a probe stood first. ``result.json`` is written last, so that it stands for a whole run.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobPort:
    """A stream port: ``axis`` is the prefix of its signals, ``words`` the words per sample."""

    axis: str
    words: int
    word_bytes: int


@dataclass(frozen=True)
class Probe:
    """An internal stream to record: signals of an instance below the top; words are written as ``<instance>.words``."""

    instance: str
    payload: str
    valid: str
    ready: str
    word_bytes: int


@dataclass(frozen=True)
class Job:
    """``samples`` samples through a design; gives up after ``patience`` cycles without any transfer. ``parameters``: a port of bytes for which
    ``<axis>.words`` is first, once, and a reset after it; nothing where that is empty."""

    top: str
    clock: str
    reset: str
    inputs: tuple[JobPort, ...]
    outputs: tuple[JobPort, ...]
    samples: int
    stall: str
    seed: int
    patience: int
    probes: tuple[Probe, ...] = ()
    parameters: JobPort | None = None

    def write(self, folder: Path) -> None:
        """Write ``job.json``."""
        (folder / "job.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read ``job.json``."""
        fields = json.loads((folder / "job.json").read_text())
        return cls(
            **{
                **fields,
                "inputs": tuple(JobPort(**port) for port in fields["inputs"]),
                "outputs": tuple(JobPort(**port) for port in fields["outputs"]),
                "parameters": JobPort(**loaded) if (loaded := fields["parameters"]) else None,
                "probes": tuple(Probe(**probe) for probe in fields["probes"]),
            }
        )


@dataclass(frozen=True)
class JobResult:
    """``cycles`` simulated after reset; ``violations`` of stream rules; ``stopped`` where patience ran out."""

    cycles: int
    violations: tuple[str, ...]
    stopped: bool

    def write(self, folder: Path) -> None:
        """Write ``result.json``."""
        (folder / "result.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> JobResult:
        """Read ``result.json``; OSError where the engine did not come to its end."""
        fields = json.loads((folder / "result.json").read_text())
        return cls(fields["cycles"], tuple(fields["violations"]), bool(fields["stopped"]))
