"""What the design is equal to: what is promised, and what a verification found."""

from __future__ import annotations

from hlsgen.artefact.declared import TITLES
from hlsgen.html_report.content import Section, Table
from hlsgen.html_report.documents import Documents


def exactness(documents: Documents) -> Section:
    """Promises for each output, and the counts of the last verification."""
    verified = documents.verified
    texts = [_verified_text(documents)]
    texts += [f"Rule broken: {rule}" for rule in verified.get("violations", ())]
    if verified.get("finding"):
        texts.append(str(verified["finding"]))
    tables = []
    rows = []
    for promise in documents.manifest.declared:
        said = "; ".join(map(str, promise.differences)) or "equal in every element"
        rows.append((promise.value, f"ONNX Runtime, {TITLES[promise.session]}", said))
    if rows:
        columns = ("output", "reference", "promised")
        tables.append(Table("Promised for every sample", columns, tuple(rows)))
    errors = documents.report.get("errors", ())
    if errors:
        keys = tuple(str(key) for key in errors[0])
        rows_of_errors = tuple(tuple(_cell(error.get(key)) for key in keys) for error in errors)
        tables.append(Table("Against ONNX Runtime on floats, measured", keys, rows_of_errors))
    tables += _tensors(documents)
    return Section("exactness", "Exactness", tuple(texts), tuple(tables))


def _tensors(documents: Documents) -> list[Table]:
    """The error of each tensor of a network that hlsgen quantised; the one with the least signal-to-noise ratio stands out."""
    tensors = documents.report.get("tensors", ())
    if not tensors:
        return []
    keys = ("tensor", "least", "greatest", "scale", "bits", "largest", "mean", "snr_db")
    columns = (*keys[:5], "largest error", "mean error", "signal to noise, dB")
    rows = tuple(tuple(_cell(tensor[key]) for key in keys) for tensor in tensors)
    noisy = [tensor for tensor in tensors if tensor["snr_db"] is not None]
    worst = min(noisy, key=lambda tensor: tensor["snr_db"], default=None)
    caption = f"Each tensor against the float model, measured over {tensors[0]['samples']} samples"
    marked = None if worst is None else str(worst["tensor"])
    return [Table(caption, columns, rows, marked, "most noise")]


def verdict(documents: Documents) -> tuple[str, str]:
    """A word for what is known (good, wrong, open), and a sentence."""
    if not documents.verified:
        return "open", "not verified yet: hlsgen verify simulates it and compares every element"
    if documents.verified["good"]:
        return "good", _verified_text(documents)
    return "wrong", _verified_text(documents)


def _verified_text(documents: Documents) -> str:
    verified = documents.verified
    if not verified:
        return "Not verified yet."
    counts = [f"{verified['mismatches']:,} differ from the design's meaning"]
    if verified["ort_mismatches"] is not None:
        counts.append(f"{verified['ort_mismatches']:,} from ONNX Runtime's default session")
    if verified["ort_integer_mismatches"] is not None:
        counts.append(f"{verified['ort_integer_mismatches']:,} from its session with int8 kernels")
    if verified["function_mismatches"] is not None:
        counts.append(f"{verified['function_mismatches']:,} from the Python function")
    return (
        f"{verified['elements']:,} output elements of {verified['samples']:,} samples compared"
        f" (engine {verified['engine']}, stalls {verified['stall']}): {', '.join(counts)};"
        f" {verified['undeclared']:,} beyond what is declared."
    )


def _cell(value: object) -> str | int | float | None:
    return value if isinstance(value, str | int | float) or value is None else str(value)
