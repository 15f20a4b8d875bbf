"""What a compiled kernel is compared with: its loop graphs' meaning and, for kernels in Python, the function itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.artefact.folder import MANIFEST, Folder, stale
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption, HlsgenError, IllegalGraph, TypeMismatch
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Array, Kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.loops.text import parse
from hlsgen.verify.first_store import first_wrong_store
from hlsgen.verify.kernel_inputs import (
    checked,
    input_arrays,
    python_kernel,
    random_arrays,
    source_lines,
)
from hlsgen.verify.reference import FUNCTION, Samples
from hlsgen.verify.run import Failure
from hlsgen.verify.samples import first_samples

Arrays = Mapping[str, np.ndarray]
SAMPLES = 4
"""Executions where the user gives no arrays."""


@dataclass(frozen=True, eq=False)
class KernelReference:
    """See :class:`hlsgen.verify.reference.Reference`. ``text``: of the Python file, in which the kernel is ``function``."""

    where: str
    kernel: Kernel
    text: bytes | None
    function: str | None

    @property
    def title(self) -> str:
        return "loop graphs"

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(input_arrays(self.kernel))

    def samples(self, inputs: Arrays | None, limit: int | None, seed: int) -> Samples:
        """Arrays of every execution: the user's (name -> (executions, *shape)), else some of the kernel's own."""
        kernel = self.kernel
        if inputs is None:
            count = SAMPLES if limit is None else limit
            arrays = [
                random_arrays(kernel, self.text, self.function, seed + k) for k in range(count)
            ]
        else:
            types = input_arrays(kernel)
            inputs = first_samples(inputs, limit)
            count = self._count(inputs)
            arrays = [
                checked(
                    {name: values[k] for name, values in inputs.items()},
                    types,
                    f"{self.where}, sample {k}",
                )
                for k in range(count)
            ]
        given = {name: np.stack([one[name] for one in arrays]) for name in input_arrays(kernel)}
        return Samples(count, given, given)

    def random_samples(self, count: int, seed: int) -> Samples:
        """The kernel's own."""
        return self.samples(None, count, seed)

    def _count(self, inputs: Arrays) -> int:
        """Executions that the user's arrays are for; raises TypeMismatch unless all are for as many, at least one."""
        counts = {name: len(values) if values.ndim else 0 for name, values in inputs.items()}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            raise TypeMismatch(
                self.where,
                f"expected arrays (executions, ...) of equal numbers, at least 1; found {counts}",
                "Give an npz file with one array (executions, ...) per input.",
            )
        return next(iter(counts.values()), 1)

    def integers(self, samples: Samples) -> dict[str, np.ndarray]:
        """The meaning of the loop graphs."""
        return _stacked([evaluate_kernel(self.kernel, arrays) for arrays in executions(samples)])

    def results(self, samples: Samples, outputs: Arrays) -> dict[str, np.ndarray]:
        """The arrays in their own types."""
        arrays = self.arrays
        return {
            name: values.astype(arrays[name].element.native) for name, values in outputs.items()
        }

    @property
    def others(self) -> tuple[str, ...]:
        return () if self.function is None else (FUNCTION,)

    def answers(self, other: str, samples: Samples) -> dict[str, np.ndarray]:
        """What the function itself writes; raises IllegalGraph where it raises anything."""
        python = python_kernel(self.text, self.function)
        assert python is not None, "only kernels in Python have another reference"
        return _stacked([_called(python, arrays) for arrays in executions(samples)])

    def first_wrong(self, failure: Failure) -> str | None:
        """The sentence that names the first wrong store of the first wrong execution; None where its outputs never came."""
        sample = failure.first_sample
        if any(bool(missing[sample].any()) for missing in failure.missing.values()):
            return None
        given = {name: values[sample] for name, values in failure.inputs.items()}
        outputs = {name: values[sample] for name, values in failure.outputs.items()}
        return first_wrong_store(
            self.kernel, given, outputs, source_lines(self.text, self.function)
        )

    def dataflow(self, nudged: bool) -> Dataflow | None:
        return None

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of all graphs by name."""
        arrays: dict[str, Array] = {}
        for graph in self.kernel.graphs:
            for array in graph.arrays:
                arrays.setdefault(array.name, array)
        return arrays


def kernel_reference(folder: Folder, reference: str) -> KernelReference:
    """Read the graphs of a compiled kernel, and its Python file; raises BadFile where they are not those that were compiled."""
    if reference != "numpy":
        raise BadOption(
            "--reference",
            f"expected numpy for a kernel, found {reference!r}",
            "Leave --reference out.",
        )
    try:
        identity = folder.manifest.details["kernel"]
        names = [f"graph_{k}.txt" for k in range(int(identity["graphs"]))]
        graphs = tuple(parse(folder.read_text(name)) for name in names)
        function = identity["function"]
        kernel = Kernel(identity["name"], graphs, identity["source"])
    except (KeyError, TypeError, ValueError) as error:
        problem = f"expected a compiled kernel, found {error!r}"
        raise stale(folder.directory / MANIFEST, problem) from None
    text = folder.read("kernel.py") if function is not None else None
    return KernelReference(str(folder.directory), kernel, text, function)


def executions(samples: Samples) -> list[dict[str, np.ndarray]]:
    """One dictionary of arrays per execution."""
    return [
        {name: values[k] for name, values in samples.hardware.items()} for k in range(samples.count)
    ]


def _stacked(results: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {
        name: np.stack([np.asarray(one[name]).astype(np.int64) for one in results])
        for name in results[0]
    }


def _called(python: PythonKernel, arrays: Arrays) -> dict[str, np.ndarray]:
    """What the function itself writes; raises IllegalGraph where it raises anything."""
    every = {
        name: arrays[name].copy() if name in arrays else np.zeros(type_.shape, type_.element.native)
        for name, type_ in python.parameters.items()
    }
    try:
        python(**every)
    except HlsgenError:
        raise
    except Exception as error:
        raise IllegalGraph(
            f"{python.signature.source}, kernel {python.name}",
            f"expected a function that runs on these arrays, found {type(error).__name__}: {error}",
            "Correct the function, or give other arrays.",
        ) from None
    return {name: every[name] for name, type_ in python.parameters.items() if type_.role != "input"}
