"""Random networks of quantised operators, deterministic for a seed: ``python -m benchmarks.run random_graphs [meaning|rtl]``.

``tests/support/random_graphs.py`` draws networks of 4 to 9 operators with branches, joins, odd shapes and attributes. ``meaning``: until 2,000 are
computed, each network's integer graph and dataflow against one another and against the session of ONNX Runtime that is promised. ``rtl``: until 200
are computed, each network's Verilog, simulated with random stalls, besides. A network is different if any element differs more than
declared, in the meaning, the dataflow or the Verilog; ONNX Runtime itself does not run some. Every network's outcome is added to a file in
the work folder, and what is in it is not computed again, so that an interrupted run goes on.
"""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.models import ROOT, Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.errors import HlsgenError, Mismatch
from hlsgen.flow import compile

WANTED = {"meaning": 2000, "rtl": 200}
"""Networks that are computed."""
COMPUTED = ("equal", "declared", "different")
Outcome = dict[str, Any]


def meaning(seed: int) -> str:
    """What becomes of a network above the circuit: equal, declared, different, refused or not runnable."""
    from support.random_graphs import random_graph
    from support.random_outcome import outcome
    from support.random_values import NotRunnable

    try:
        return outcome(*random_graph(seed))
    except NotRunnable:
        return "not runnable"


def circuit(seed: int) -> str:
    """The same of a network whose Verilog is simulated too."""
    from support.random_graphs import random_graph

    above = meaning(seed)
    if above not in COMPUTED:
        return above
    model, samples = random_graph(seed)
    with tempfile.TemporaryDirectory() as folder:
        design = compile(model, effort="small", output=Path(folder, "design"))
        result = design.verify(samples, engine="fast")
    return above if result.good else "different"


def operators_of(seed: int) -> list[str]:
    """The operators of a network."""
    from support.random_graphs import random_graph

    return [node.op_type for node in random_graph(seed)[0].graph.node]


def _outcome(seed: int, judge: Callable[[int], str]) -> Outcome:
    try:
        verdict, operators = judge(seed), []
        if verdict in COMPUTED:
            operators = operators_of(seed)
        return {"seed": seed, "verdict": verdict, "operators": operators}
    except Mismatch as error:  # a wrong circuit is not a refusal
        return {"seed": seed, "verdict": "different", "operators": [], "why": str(error)}
    except HlsgenError as error:  # of a circuit that is too large, e.g.
        return {"seed": seed, "verdict": "refused", "operators": [], "why": str(error)}
    except Exception:  # any failure, an assertion above all, is a difference
        why = traceback.format_exc(limit=-3)
        return {"seed": seed, "verdict": "different", "operators": [], "why": why}


def outcomes(progress: Path, judge: Callable[[int], str], count: int) -> Iterator[Outcome]:
    """The outcomes of seeds from 0 on until so many are computed: those of the file, then new ones, each added to it."""
    known = (
        [json.loads(line) for line in progress.read_text().splitlines()]
        if progress.exists()
        else []
    )
    computed = seed = 0
    while computed < count:
        if seed < len(known):
            one = known[seed]
        else:
            one = _outcome(seed, judge)
            with progress.open("a") as file:
                file.write(json.dumps(one) + "\n")
        yield one
        computed += one["verdict"] in COMPUTED
        seed += 1


def _measure(design: str, sources: Sources, work: Path) -> Record:
    tests = str(ROOT / "tests")
    if tests not in sys.path:
        sys.path.append(tests)  # the package `support`
    work.mkdir(parents=True, exist_ok=True)
    progress = work / f"random_graphs-{design}.jsonl"
    judge = circuit if design == "rtl" else meaning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of float operators on values out of their domain
        drawn = list(outcomes(progress, judge, WANTED[design]))
    verdicts = Counter(one["verdict"] for one in drawn)
    operators = Counter(name for one in drawn for name in one["operators"])
    values = {
        "seeds": len(drawn),
        "computed": sum(verdicts[name] for name in COMPUTED),
        "verdicts": dict(sorted(verdicts.items())),
        "operators": dict(sorted(operators.items())),
        "different_seeds": [one["seed"] for one in drawn if one["verdict"] == "different"],
    }
    return Record(
        "random_graphs", design, f"python -m benchmarks.run random_graphs {design}", {}, values
    )


random_graphs = Row(tuple(WANTED), _measure)
