"""What each argument of the functions of ``hlsgen.flow`` may be."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.algebra.unroll import Unroll
from hlsgen.arguments import (
    ARRAYS,
    FLAG,
    FUNCTION,
    NAMES,
    NUMBER,
    PATH,
    SAMPLES,
    TEXT,
    WHOLE,
    ArgumentKind,
)

UNROLLS = ArgumentKind(
    "a mapping of process names to Unroll",
    lambda value: (
        isinstance(value, Mapping)
        and all(isinstance(k, str) and isinstance(v, Unroll) for k, v in value.items())
    ),
)
CHECKED: Mapping[str, ArgumentKind] = {"calibrate": SAMPLES.or_none(), "state": NAMES.or_none()}
COMPILED: Mapping[str, ArgumentKind] = {
    "board": PATH.or_none(),
    "schedule": TEXT,
    "effort": TEXT.or_none(),
    "multipliers": WHOLE.or_none(),
    "dsp": WHOLE.or_none(),
    "lut": WHOLE.or_none(),
    "target_fps": NUMBER.or_none(),
    "interval": WHOLE.or_none(),
    "latency": WHOLE.or_none(),
    "lanes": WHOLE.or_none(),
    "calibrate": SAMPLES.or_none(),
    "precision": TEXT.or_none(),
    "samples": SAMPLES.or_none(),
    "reference": TEXT.or_none(),
    "overrides": UNROLLS.or_none(),
    "batch": WHOLE.or_none(),
    "fabric": PATH.or_none(),
    "seed": WHOLE.or_none(),
    "time_limit": NUMBER.or_none(),
    "exact": FLAG.or_none(),
    "as_given": FLAG.or_none(),
    "weights": TEXT.or_none(),
    "state": NAMES.or_none(),
    "name": TEXT.or_none(),
    "output": PATH.or_none(),
    "dump": PATH.or_none(),
    "progress": FUNCTION,
}

OF_TARGETS = (
    *(
        "board",
        "effort",
        "multipliers",
        "dsp",
        "lut",
        "target_fps",
        "interval",
        "latency",
        "lanes",
        "overrides",
        "weights",
        "fabric",
        "batch",
    ),
    *("seed", "time_limit", "exact", "as_given", "name"),
)
"""Options that targets have, or refuse."""
EMITTED: Mapping[str, ArgumentKind] = {
    "fabric": PATH,
    "output": PATH.or_none(),
    "name": TEXT.or_none(),
    "progress": FUNCTION,
}

VERIFIED: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "inputs": ARRAYS.or_none(),
    "samples": WHOLE.or_none(),
    "stall": TEXT,
    "engine": TEXT,
    "reference": TEXT,
    "seed": WHOLE,
    "progress": FUNCTION,
    "port": PATH.or_none(),
    "waves": PATH.or_none(),
    "timeline": FLAG,
    "parts": WHOLE.or_none(),
}

BUILT: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "board": PATH.or_none(),
    "progress": FUNCTION,
    "seeds": WHOLE,
    "clock": TEXT.or_none(),
    "force": FLAG,
}
