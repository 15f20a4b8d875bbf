"""What all simulators of a Verilator and a compiler have in common, made once and kept: its library as one object, its headers precompiled.

Each simulator would compile both again, which is four fifths of the time of a small one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from hlsgen.verify.simulator_cache import cached_file
from hlsgen.verify.simulators import Simulator

OBJECT, HEADER = "runtime.o", "runtime.h"
PRECOMPILED = f"{HEADER}.gch"
"""Where GCC and Clang look for it when they are told to include ``HEADER``."""
_RULES = f"""{OBJECT}: $(VK_GLOBAL_OBJS)
\t$(LINK) -r -nostdlib $^ -o $@
{PRECOMPILED}: {HEADER}
\t$(CXX) $(OPT_FAST) $(CXXFLAGS) $(CPPFLAGS) -x c++-header -o $@ $<
"""
_HEADERS = ("fstream", "iterator", "memory", "set", "string", "vector", "verilated.h")


def runtime_arguments(
    work: Path,
    simulator: Simulator,
    make: Callable[[Sequence[str]], None],
    key_of: Callable[[Sequence[str]], str],
) -> tuple[str, ...]:
    """What make is to be told to use what is kept, in a folder in which Verilator has written its makefiles.

    ``make`` runs it there; ``key_of`` names texts and the tools. Raises what they and ``cached_file`` raise.
    """

    def built(name: str) -> Callable[[Path], str]:
        def build(place: Path) -> str:
            (work / "runtime.mk").write_text(_RULES)
            (work / HEADER).write_text("".join(f"#include <{header}>\n" for header in _HEADERS))
            make(("-f", "runtime.mk", name))
            (work / name).rename(place / name)
            return json.dumps({"verilator": simulator.version, "file": name})

        return build

    classes = (work / "Vtop_classes.mk").read_text()
    # Which parts of the library a program needs is Verilator's choice.
    parts = re.findall(r"^  (verilated\w*)", classes, re.MULTILINE)
    library = cached_file(f"runtime_{key_of(parts)}", OBJECT, built(OBJECT))
    arguments = ("VK_GLOBAL_OBJS=", f"USER_LDLIBS={library}")
    if re.search(r"^VM_PARALLEL_BUILDS = 1", classes, re.MULTILINE):
        return (
            arguments  # its makefile precompiles headers of the design, and a compilation reads one
        )
    header = cached_file(f"runtime_{key_of([PRECOMPILED])}", PRECOMPILED, built(PRECOMPILED))
    return (*arguments, f"USER_CPPFLAGS=-include {header.with_suffix('')}")
