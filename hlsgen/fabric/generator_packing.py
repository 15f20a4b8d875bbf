"""Address generators in the form of the hardware: settings, and steps per level; and back to strides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hlsgen.algebra.affine import Affine, deltas, strides_of
from hlsgen.errors import DoesNotFit
from hlsgen.fabric.configuration import Generator, GeneratorLoop
from hlsgen.fabric.configuration_words import counter_bits, generator_counters, generator_fields
from hlsgen.fabric.ir import Fabric, MemoryTile


def padded_level(level: int, loops: int, levels: int) -> int:
    """A level of a nest of ``loops`` levels in the nest padded to ``levels`` at the outside.

    Level 0 means the whole nest: the levels that were added belong to it.
    """
    return level + levels - loops if level else 0


def generator_values(
    fabric: Fabric, tile: MemoryTile, port: str, number: int, generator: Generator, where: str
) -> dict[str, int]:
    """The fields of a generator but for its steps; a generator without loops is not used. Raises DoesNotFit for more loops than the fabric
    has levels and for coordinates that would wrap."""
    if not generator.loops:
        return {}
    loops, levels = _padded(fabric, port, number, generator, where), fabric.loops
    start = f"{port}{number}_"
    if generator.wrap_bits is None:
        mask = (1 << counter_bits(tile, "address")) - 1
    else:
        mask = (1 << generator.wrap_bits) - 1
    values = {
        f"{start}used": 1,
        f"{start}delay": generator.delay,
        f"{start}base": generator.base,
        f"{start}mask": mask,
        f"{start}single": sum((loop.extent == 1) << level for level, loop in enumerate(loops)),
    }
    if port == "write":
        return values | ({f"{start}data_driven": 1} if generator.data_driven else {})
    for name in ("mark_first", "mark_last"):
        level = getattr(generator, name)
        values[f"{start}{name}"] = (
            0 if level is None else 1 + padded_level(level, len(generator.loops), levels)
        )
    if generator.rows is not None or generator.columns is not None:
        _check_coordinates(tile, generator, f"{where}, {port} generator {number}")
        big = (1 << counter_bits(tile, "row") - 1) - 1 if fabric.drain else 0
        values |= {
            f"{start}padded": 1,
            f"{start}rows": big if generator.rows is None else generator.rows,
            f"{start}columns": big if generator.columns is None else generator.columns,
        }
    return values


def generator_steps(
    fabric: Fabric, tile: MemoryTile, port: str, number: int, generator: Generator, where: str
) -> dict[int, dict[str, int]]:
    """The fields of a used generator's steps by level, of the start: level ``fabric.loops``; outer levels of one trip have none. Raises DoesNotFit for more loops than the fabric has."""
    loops = _padded(fabric, port, number, generator, where)
    extents = [loop.extent for loop in loops]
    steps = {level: {"trips": extent - 1} for level, extent in enumerate(extents)}
    steps[fabric.loops] = {}
    origins = {
        "address": generator.start,
        "row": generator.row,
        "column": generator.column,
        "parameter": generator.parameter,
    }
    for counter in generator_counters(fabric, port):
        strides = [getattr(loop, _STRIDES[counter]) for loop in loops]
        bits = counter_bits(tile, counter)
        # Counters wrap, so that any stride is its remainder; coordinates are compared and must fit.
        fold = (1 << bits) if counter in ("address", "parameter") else None
        for level, step in enumerate((*deltas(strides, extents), origins[counter])):
            steps[level][counter] = _folded(step, fold)
    outermost = next((k for k, extent in enumerate(extents) if extent != 1), fabric.loops)
    return {level: step for level, step in steps.items() if level >= outermost}


_STRIDES = {"address": "stride", "row": "row", "column": "column", "parameter": "row"}
"""Counter -> what ``GeneratorLoop`` calls its stride."""


def _padded(
    fabric: Fabric, port: str, number: int, generator: Generator, where: str
) -> tuple[GeneratorLoop, ...]:
    """The nest with ``fabric.loops`` levels. Raises DoesNotFit where it has more."""
    added = fabric.loops - len(generator.loops)
    if added < 0:
        raise DoesNotFit(
            f"{where}, {port} generator {number}",
            f"expected at most {fabric.loops} loops, found {len(generator.loops)}: {-added} too many",
            "Merge loops whose strides continue each other.",
        )
    return (GeneratorLoop(),) * added + generator.loops


def _check_coordinates(tile: MemoryTile, generator: Generator, where: str) -> None:
    """Coordinates that are compared must not wrap; raises DoesNotFit."""
    for name in ("row", "column"):
        half = 1 << (counter_bits(tile, name) - 1)
        terms = tuple((str(k), getattr(loop, name)) for k, loop in enumerate(generator.loops))
        trips = {str(k): range(loop.extent) for k, loop in enumerate(generator.loops)}
        low, high = Affine(getattr(generator, name), terms).range(trips)
        if low < -half or high >= half:
            raise DoesNotFit(
                f"{where}, {name}",
                f"expected coordinates of {-half} to {half - 1}, found {low} to {high}",
                "Cut the tensor into smaller ones.",
            )


def read_generator(
    fabric: Fabric,
    tile: MemoryTile,
    port: str,
    number: int,
    values: Mapping[str, int],
    steps: Sequence[Mapping[str, int]],
) -> Generator:
    """A generator from its fields and steps, its nest of ``fabric.loops`` levels; the inverse of ``generator_values`` and ``generator_steps`` up to
    that padding. Raises IndexError for levels that are and are not of one trip."""
    start = f"{port}{number}_"
    if not values[f"{start}used"]:
        return Generator()
    *levels, origin = steps
    extents = [step["trips"] + 1 for step in levels]
    if any((extent == 1) != values[f"{start}single"] >> k & 1 for k, extent in enumerate(extents)):
        raise IndexError
    columns = {
        counter: strides_of([_signed(step[counter], tile, counter) for step in levels], extents)
        for counter in generator_counters(fabric, port)
    }
    nothing = (0,) * fabric.loops
    rows = columns.get("parameter" if port == "write" else "row", nothing)
    across = columns.get("column", nothing)
    mask = values[f"{start}mask"]
    whole = (1 << counter_bits(tile, "address")) - 1
    first, last = (values.get(f"{start}{name}", 0) for name in ("mark_first", "mark_last"))
    padded = values.get(f"{start}padded", 0)
    names = {field.name for field in generator_fields(fabric, tile, port, number)}
    return Generator(
        loops=tuple(
            GeneratorLoop(*loop)
            for loop in zip(extents, columns["address"], rows, across, strict=True)
        ),
        delay=values[f"{start}delay"],
        start=origin["address"],
        base=values[f"{start}base"],
        wrap_bits=None if mask == whole else mask.bit_length(),
        row=origin.get("row", 0),
        column=origin.get("column", 0),
        rows=values[f"{start}rows"] if padded else None,
        columns=values[f"{start}columns"] if padded else None,
        mark_first=first - 1 if first else None,
        mark_last=last - 1 if last else None,
        parameter=origin.get("parameter", 0),
        data_driven=f"{start}data_driven" in names and bool(values[f"{start}data_driven"]),
    )


def _folded(value: int, modulus: int | None) -> int:
    return value if modulus is None else value % modulus


def _signed(value: int, tile: MemoryTile, counter: str) -> int:
    """A delta between -half and half of its counter's range."""
    half = 1 << (counter_bits(tile, counter) - 1)
    return (value + half) % (2 * half) - half
