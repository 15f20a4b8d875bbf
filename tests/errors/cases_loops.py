"""Refusals of kernels: the language, loop graphs and the files that hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from errors.messages import Case, rows
from loops import test_external_readers as readers
from loops import test_few_marks as few_marks
from loops import test_kernel_check as kernel_check
from loops import test_kernel_evaluate as kernel_evaluate
from loops import test_kernel_text as kernel_text
from loops.python import test_kernel_refusals as language
from loops.python import test_kernel_schedules as schedules
from support.example_graphs import fir, histogram, two_stores
from support.kernel_examples import load
from support.python_files import HEAD, kernel_of

from hlsgen.loops.check import check
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.few_marks import with_few_marks
from hlsgen.loops.ir import Kernel, LoopGraph
from hlsgen.loops.python.kernel import load_python_kernel
from hlsgen.loops.read_dot import read_dot
from hlsgen.loops.read_morpher import read_morpher
from hlsgen.loops.text import parse
from hlsgen.schedule.stream_kernel.pipeline import check_pipeline, schedule_pipeline
from hlsgen.verify.kernel_inputs import random_arrays

COPY = language.body("y[n] = x[n]")


def lowered(source: str) -> Case:
    return lambda folder: kernel_of(folder, source).lower()


def straight(lines: list[str]) -> str:
    """A kernel whose body has no loop around it."""
    inner = "".join(f"    {text}\n" for text in lines)
    return f"\n@hlsgen.kernel\ndef tried({language.X}, z: In[s32, 8, 8]) -> None:\n{inner}"


def file_of(text: str, name: str) -> Case:
    def case(folder: Path) -> object:
        (folder / "tried.py").write_text(text)
        return load_python_kernel(folder / "tried.py", name)

    return case


def arrays_from(function: str) -> Case:
    def case(folder: Path) -> object:
        kernel = kernel_of(folder, COPY).lower()
        return random_arrays(kernel, (HEAD + COPY + function).encode(), "tried", 0)

    return case


def called(*arguments: object) -> Case:
    return lambda folder: kernel_of(folder, COPY)(*arguments)


def language_cases() -> dict[str, Case]:
    cases = {name: lowered(source) for name, (source, _, _) in language.CASES.items()}
    for parameters, _ in rows(language.test_wrong_parameters_are_refused):
        cases[f"parameters {parameters}"] = lowered(
            language.body("y[n] = 1", parameters=parameters)
        )
    for lines, _, _ in rows(language.test_statements_outside_loops_are_refused_with_their_line):
        cases[f"outside loops: {'; '.join(lines)}"] = lowered(straight(lines))
    for k, (source,) in enumerate(rows(language.test_what_is_no_function_of_words_is_refused)):
        cases[f"not a function of words {k}"] = lowered(source)
    for function, _ in rows(language.test_arrays_of_a_file_that_do_not_fit_are_refused):
        cases[f"arrays: {function!r}"] = arrays_from(function)
    cases |= {
        "no file": lambda folder: load_python_kernel(folder / "none.py", "tried"),
        "not Python": file_of("def (", "tried"),
        "no such kernel": file_of(HEAD + COPY, "other"),
        "a file that exits": file_of("import sys\nsys.exit(3)\n", "tried"),
        "argument of another type": called(np.zeros(8, np.int64), np.zeros(8, np.int32)),
        "argument missing": called(np.zeros(8, np.int32)),
        "argument is a list": called([0] * 8, np.zeros(8, np.int32)),
    }
    for name, schedule, _ in rows(schedules.test_schedules_that_do_not_fit_are_refused):
        cases[f"schedule {len(cases)} of {name}"] = _scheduled(name, schedule)
    for source, _ in rows(schedules.test_reordering_against_a_dependence_is_refused):
        cases[f"reorder {len(cases)}"] = _reordered(source)
    return cases


def _scheduled(name: str, schedule: Callable[..., object]) -> Case:
    return lambda folder: schedule(load(name))


def _reordered(source: str) -> Case:
    return lambda folder: kernel_of(folder, source).reorder("j", "i")


def checked(text: str) -> Case:
    return lambda folder: check(parse(text))


def morpher(text: str) -> Case:
    return lambda folder: readers.morpher(folder, text)


def dot(text: str) -> Case:
    def case(folder: Path) -> object:
        (folder / "g.dot").write_text(text)
        return read_dot(folder / "g.dot")

    return case


def evaluated(text: str, **arrays: np.ndarray) -> Case:
    return lambda folder: evaluate_kernel(Kernel("k", (parse(text),), "here"), arrays)


def graph_cases() -> dict[str, Case]:
    cases = {
        f"rule: {body}".replace("\n", "; "): checked(f"{kernel_check.HEAD}{body}\n")
        for body, _, _ in rows(kernel_check.test_broken_rule_is_named)
    }
    for (line,) in rows(kernel_text.test_wrong_line_is_named):
        cases[f"text: {line}"] = checked(f"loop_graph g s32\n{line}\n")
    for text, _ in rows(readers.test_wrong_morpher_file_is_refused):
        cases[f"Morpher: {text}".replace("\n", " ")] = morpher(text)
    for text, _ in rows(readers.test_wrong_dot_file_is_refused):
        cases[f"DOT: {text}"] = dot(text)
    vector = kernel_evaluate.MATRIX_VECTOR
    scatter = (
        "loop_graph g s32\nloop i 8\narray o 4 s32 output\nn = affine [i]\nw = store o[0 + n] n\n"
    )
    cases |= {
        "DOT: no file": lambda folder: read_dot(folder / "none"),
        "Morpher: no file": lambda folder: read_morpher(folder / "none"),
        "Morpher: not XML": morpher("<Node"),
        "Morpher: cycle": lambda folder: readers.morpher(
            folder,
            readers.node(1, "ADD", readers.edge(2, "I1"), inputs="2"),
            readers.node(2, "SUB", readers.edge(1, "I1"), inputs="1"),
        ),
        "run: index outside": evaluated(scatter),
        "run: no array": evaluated(vector, a=np.zeros((4, 8), int)),
        "run: shape": evaluated(vector, a=np.zeros((4, 7), int), v=np.zeros(8, int)),
        "run: values": evaluated(vector, a=np.full((4, 8), 1 << 40), v=np.zeros(8, int)),
        "marks: accumulators": lambda folder: with_few_marks(parse(few_marks.CLEARED), 2),
        "pipeline: read too early": _moved(fir, "sum", -1),
        "pipeline: store too late": _moved(histogram, "old", 1),
        "pipeline: one port": _moved(two_stores, "odd", None),
    }
    return cases


def _moved(graph: Callable[[], LoopGraph], operation: str, change: int | None) -> Case:
    def case(folder: Path) -> None:
        plan = schedule_pipeline(graph())
        times = dict(plan.times)
        times[operation] = times["even"] if change is None else times[operation] + change
        check_pipeline(replace(plan, times=times))

    return case
