"""What was asked of a compilation, for its target: its options, and what only others have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadOption
from hlsgen.flow_arguments import OF_TARGETS
from hlsgen.numbers import named
from hlsgen.reproduction import option_name

if TYPE_CHECKING:
    from hlsgen.targets import AnyTarget


def target_for(schedule: str, source: str) -> AnyTarget:
    """The target of a schedule for a kind of source; raises BadOption for an unknown schedule."""
    from hlsgen.targets import TARGETS

    schedules = dict.fromkeys(target.schedule for target in TARGETS)
    if schedule not in schedules:
        raise BadOption(
            "--schedule",
            f"expected one of {', '.join(schedules)}; found {schedule!r}",
            "Choose a schedule of this list.",
        )
    return next(t for t in TARGETS if (t.schedule, t.source) == (schedule, source))


def options_for(target: AnyTarget, given: Mapping[str, object]) -> Any:
    """The options of a target from those that were given (None: not); raises BadOption for one that it does not have."""
    from hlsgen.targets import TARGETS

    known = {field.name for field in fields(target.options)}
    present = {name: value for name, value in given.items() if value is not None}
    for name in present:
        if name not in known:
            option = option_name(name)
            takers = [_title(t) for t in TARGETS if name in {f.name for f in fields(t.options)}]
            raise BadOption(
                option,
                f"expected {' or '.join(takers)}; found {_title(target)}",
                f"Leave {option} out{' and give it to hlsgen build' if name == 'board' else ''}.",
            )
    return target.options(**present)


def asked_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a compilation that its result depends on."""
    numbers = {"calibrate": named(arguments["calibrate"]), "samples": named(arguments["samples"])}
    numbers |= {name: arguments[name] for name in ("precision", "reference", "state")}
    return {name: arguments[name] for name in ("schedule", *OF_TARGETS)} | numbers


def refuse_of_kernel(arguments: Mapping[str, Any]) -> None:
    """Raise BadOption for what only networks can be told."""
    for option in ("calibrate", "precision", "samples", "reference", "state", "dump"):
        if arguments[option] is not None:
            name = f"--{option}"
            raise BadOption(name, "expected a network; found a kernel", f"Leave {name} out.")


def _title(target: AnyTarget) -> str:
    return f"a {target.source} with --schedule {target.schedule}"
