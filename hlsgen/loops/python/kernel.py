"""``@hlsgen.kernel``: a Python function over arrays that is its own reference, and can become loop graphs."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from hlsgen.algebra.types import ElementType
from hlsgen.arguments import TEXT, WHOLE, ArgumentKind, check_arguments
from hlsgen.errors import BadFile, BadOption, HlsgenError, TypeMismatch
from hlsgen.loops.python.annotations import ArrayType
from hlsgen.loops.python.signature import Signature, signature_of
from hlsgen.loops.python.steps import Pipeline, Reorder, ScheduleStep, Split, Unroll

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.loops.ir import Kernel
    from hlsgen.loops.python.nest import Nest


def kernel(function: Callable[..., Any] | None = None, *, word: Any = None) -> Any:
    """Decorate a function as a kernel; ``word`` is the type of its words (s32, u32, s16 or u16), for a type checker a class of ``static_types``.

    Where it is not given: u32 if an array has elements u32, else s32. Raises TypeMismatch for parameters that are not annotated as
    arrays.
    """
    if function is None:
        return lambda decorated: PythonKernel(signature_of(decorated, word))
    return PythonKernel(signature_of(function, word))


def unroll(trips: range) -> range:
    """Marks a loop to be unrolled: ``for k in hlsgen.unroll(range(4)):``. Python sees the range itself."""
    check_arguments("hlsgen.unroll", {"trips": RANGE}, {"trips": trips})
    return trips


RANGE = ArgumentKind("a range", lambda value: isinstance(value, range))


@dataclass(frozen=True)
class PythonKernel:
    """A decorated function. Calling it with arrays runs the function itself on words: the reference.

    ``steps``: of a schedule, by ``split``, ``reorder``, ``unroll`` and ``pipeline``, each of which returns a new kernel.
    """

    signature: Signature
    steps: tuple[ScheduleStep, ...] = ()

    @property
    def name(self) -> str:
        return self.signature.name

    @property
    def function(self) -> Callable[..., Any]:
        return self.signature.function

    @property
    def parameters(self) -> Mapping[str, ArrayType]:
        """The array parameters in order."""
        return self.signature.parameters

    def __call__(self, *arrays: np.ndarray, **named: np.ndarray) -> None:
        """Run the function on NumPy arrays of the annotated shapes and element types; outputs are written in place. A parameter that is one
        number takes an integer, or an array of one element."""
        from hlsgen.loops.python.reference import run_function

        where = f"{self.signature.source}, kernel {self.name}"
        try:
            bound = inspect.signature(self.function).bind(*arrays, **named)
        except TypeError as error:
            raise TypeMismatch(
                where,
                f"expected arguments {', '.join(self.parameters)}, found {error}",
                "Give these.",
            ) from None
        for name, annotation in self.parameters.items():
            array, expected = bound.arguments[name], annotation.element.native
            if annotation.scalar and WHOLE.holds(array):
                array = bound.arguments[name] = _one(annotation.element, array)
            shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", type(array))
            if shape != annotation.shape or dtype != expected:
                raise TypeMismatch(
                    f"{where}, argument {name}",
                    f"expected {expected} of shape {annotation.shape}, found {dtype} of shape {shape}",
                    "Give an array of the annotated type.",
                )
        run_function(self.function, bound, self.parameters, self.signature.word)

    def split(self, loop: str, factor: int) -> PythonKernel:
        """A loop as two: ``<loop>_outer`` around ``<loop>_inner`` of ``factor`` trips."""
        check_arguments(f"{self.name}.split", {"loop": TEXT, "factor": WHOLE}, locals())
        return self._with(Split(loop, factor))

    def reorder(self, *loops: str) -> PythonKernel:
        """Perfectly nested loops in this order, outermost first."""
        for loop in loops:
            check_arguments(f"{self.name}.reorder", {"loops": TEXT}, {"loops": loop})
        return self._with(Reorder(loops))

    def unroll(self, loop: str) -> PythonKernel:
        """The body of a loop as often as it has trips."""
        check_arguments(f"{self.name}.unroll", {"loop": TEXT}, locals())
        return self._with(Unroll(loop))

    def pipeline(self, loop: str) -> PythonKernel:
        """Every loop inside a loop unrolled, so that the iterations of this one are pipelined."""
        check_arguments(f"{self.name}.pipeline", {"loop": TEXT}, locals())
        return self._with(Pipeline(loop))

    def _with(self, step: ScheduleStep) -> PythonKernel:
        stepped = replace(self, steps=(*self.steps, step))
        stepped.nests()  # refuses here what is not legal
        return stepped

    def nests(self) -> tuple[Nest, ...]:
        """The top-level loops of the function, and the statements between them, after the steps of its schedule. Raises HlsgenError for what is not in the language."""
        from hlsgen.loops.python.lower import LoweredNest, lowered_nests
        from hlsgen.loops.python.read import prepared, read_nests

        whole = prepared(self.signature)
        from hlsgen.loops.python.schedule import scheduled

        def lowered(nests: Sequence[Nest], number: int) -> LoweredNest:
            every = lowered_nests(whole.signature, nests, promote=False)
            return next(itertools.islice(every, number, None))

        return scheduled(read_nests(whole), self.steps, lowered)

    def lower(self) -> Kernel:
        """The loop graphs of the kernel. Raises HlsgenError for what is not in the language."""
        from hlsgen.loops.python.lower import lower_kernel

        return lower_kernel(self.whole_signature, self.nests())

    @property
    def whole_signature(self) -> Signature:
        """The signature with the arrays that the function makes for itself."""
        from hlsgen.loops.python.read import prepared

        return prepared(self.signature).signature


def _one(element: ElementType, value: int) -> Any:
    """An array of one element; the value itself where no such element is."""
    import numpy as np

    held = element.minimum <= value <= element.maximum
    return np.array([value], element.native) if held else value


def load_python_kernel(path: Path, name: str) -> PythonKernel:
    """The kernel ``name`` of a Python file; raises BadFile where the file cannot be run, BadOption where it has no such kernel."""
    if not path.is_file():
        raise BadFile(str(path), "expected a Python file, found none", "Check the path.")
    # Several threads may load one file at the same time: a module for each.
    module_name = f"hlsgen_kernel_{path.stem}_{threading.get_ident()}"
    specification = importlib.util.spec_from_file_location(module_name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    except HlsgenError:
        raise
    except (Exception, SystemExit) as error:
        frames = extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        raise BadFile(
            f"{path}, line {lines[-1]}" if lines else str(path),
            f"expected a Python file that can be imported, found {type(error).__name__}: {error}",
            "Correct the file.",
        ) from None
    finally:
        del sys.modules[specification.name]
    kernels = {key: value for key, value in vars(module).items() if isinstance(value, PythonKernel)}
    if name not in kernels:
        raise BadOption(
            f"{path}:{name}",
            f"expected the name of a kernel, found {', '.join(kernels) or 'no kernels'} in the file",
            "Name one of them, or decorate the function with @hlsgen.kernel.",
        )
    return kernels[name]
