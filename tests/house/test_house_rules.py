"""What the project promises of its own source: imports go one way, sizes, format, types, partners, no foreign names."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from support.checkers import checked_types, run
from support.source_tree import CHECKED, PACKAGES, ROOT, imported, sources

# docs/architecture.md, "Imports go one way": a module imports its own level and those before it.
LEVELS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "arguments",
        "numbers",
        "failures",
        "processes",
        "progress",
        "collector",
        "toml_table",
    ),
    ("algebra",),
    ("artefact",),
    ("requantise", "constant_products"),
    ("ops",),
    ("graph",),
    ("frontend", "passes", "fixed_point"),
    ("dataflow",),
    ("lowering",),
    ("loops",),
    ("board", "board_file", "clock", "fabric", "cost", "schedule", "cycle_model"),
    ("rtl",),
    ("html_report",),
    ("bitstream", "verify", "host", "export"),
    ("targets",),
    (
        "flow_arguments",
        "reproduction",
        "flow_options",
        "flow",
        "board_session",
        "flow_board",
        "flow_run",
        "flow_sweep",
        "catalogue",
        "flow_export",
        "exploration",
        "flow_explore",
        "flow_explore_build",
        "flow_weights",
        "flow_asic",
        "flow_check",
        "backend_rtl",
        "backend",
        "cli_options",
        "cli_board",
        "cli_export",
        "cli_lists",
        "cli_explore",
        "cli",
    ),
)
AMARANTH = ("rtl_templates", "sim", "boards", "hlsgen/rtl", "hlsgen/bitstream")

FILE_LINES = 400
FUNCTION_LINES = 60
ELABORATE_LINES = 80


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """Every text file that git tracks."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the list of tracked files is not known")
    listed = subprocess.run(
        ("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file():
            try:
                yield path, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def level(module: str) -> int | None:
    """The level of ``hlsgen.<part>...``; None for anything else."""
    parts = module.split(".")
    if parts[0] != "hlsgen" or len(parts) < 2:
        return None
    return next((k for k, names in enumerate(LEVELS) if parts[1] in names), None)


def allowed(own: str, module: str) -> bool:
    """Whether the part ``own`` of hlsgen may import ``hlsgen.<...>`` (its own level is allowed)."""
    mine, theirs = level(f"hlsgen.{own}"), level(module)
    return mine is None or theirs is None or theirs <= mine


def test_every_part_of_hlsgen_has_a_level() -> None:
    known = {name for names in LEVELS for name in names}
    parts = {
        path.stem
        for path in (ROOT / "hlsgen").iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
    }
    assert parts <= known, (
        f"give these a level in LEVELS and in docs/architecture.md: {parts - known}"
    )


def test_the_page_on_architecture_names_the_same_levels() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    (line,) = re.findall(r"Imports go one way:\n`(.*)`", page)
    assert tuple(tuple(names.split()) for names in line.split("|")) == LEVELS


def test_imports_go_one_way() -> None:
    wrong = []
    for path in sources("hlsgen"):
        own = path.relative_to(ROOT / "hlsgen").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for module, line in imported(path):
            if not allowed(own, module):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_templates_know_nothing_of_hlsgen_but_its_algebra() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("rtl_templates")
        for module, line in imported(path)
        if module.split(".")[0] in ("hlsgen", "onnx")
        and module != "hlsgen"
        and not f"{module}.".startswith(("hlsgen.rtl_templates.", "hlsgen.algebra."))
    ]
    assert not wrong, "\n".join(wrong)


CONTRACTS = ("rtl_templates/contract.py", "rtl_templates/loop_contract.py")


def test_latencies_are_written_in_the_contracts() -> None:
    """A latency of a unit that stands in a second place is forgotten when the unit changes."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (*sources("hlsgen"), *sources("rtl_templates"))
        if path.relative_to(ROOT).as_posix() not in CONTRACTS
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else (node.target,))
        if re.search("LATENC|FREED|FILL_CYCLES|PORT_CYCLES|SLOW", ast.unparse(target))
    ]
    assert not wrong, "\n".join(wrong)


CHANGING = frozenset(
    {
        "setdefault",
        "pop",
        "popleft",
        "append",
        "add",
        "update",
        "extend",
        "insert",
        "remove",
        "discard",
        "clear",
        "write",
    }
)


def test_asserts_change_nothing() -> None:
    """``python -O`` leaves them out."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(*PACKAGES)
        for statement in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(statement, ast.Assert)
        for node in ast.walk(statement)
        if isinstance(node, ast.NamedExpr)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CHANGING
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_templates_do_not_evaluate() -> None:
    """Meaning and circuit are two texts: a template that asks for the meaning would be tested against itself."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources("rtl_templates")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in ("evaluate", "meaning"))
        or (isinstance(node, ast.Name) and node.id == "evaluate")
    ]
    assert not wrong, "\n".join(wrong)


def test_algebra_knows_nothing_of_hlsgen_but_its_errors() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("hlsgen/algebra")
        for module, line in imported(path)
        if module.split(".")[0] not in (*sys.stdlib_module_names, "numpy")
        and not f"{module}.".startswith(("hlsgen.algebra.", "hlsgen.errors."))
    ]
    assert not wrong, "\n".join(wrong)


def test_amaranth_is_imported_only_where_hardware_is() -> None:
    places = tuple(ROOT / place for place in AMARANTH)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("hlsgen")
        for module, line in imported(path)
        if module.split(".")[0] in ("amaranth", "amaranth_boards")
        and not any(path.is_relative_to(place) for place in places)
    ]
    assert not wrong, "\n".join(wrong)


def test_slow_packages_are_imported_inside_functions() -> None:
    slow = ("onnx", "onnxruntime", "torch", "cupy", "ortools")
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("hlsgen")
        if path.name != "backend.py"  # its classes are ONNX's; nothing else imports it
        for module, line in imported(path, top_only=True)
        if module.split(".")[0] in slow
    ]
    assert not wrong, "\n".join(wrong)


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources(*PACKAGES, "tests")
        if (count := len(path.read_text("utf-8").splitlines())) > FILE_LINES
    }
    assert not long, f"longer than {FILE_LINES} lines: {long}"


def test_functions_are_short() -> None:
    long = []
    for path in sources(*CHECKED):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                limit = ELABORATE_LINES if node.name == "elaborate" else FUNCTION_LINES
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > limit:
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    long.append(f"{place} {node.name} has {count} lines, at most {limit}")
    assert not long, "\n".join(long)


def test_modules_and_public_classes_and_functions_of_the_top_level_have_docstrings() -> None:
    bare = []
    for path in sources(*PACKAGES):
        tree = ast.parse(path.read_text("utf-8"))
        if tree.body and ast.get_docstring(tree) is None:
            bare.append(f"{path.relative_to(ROOT)}: module")
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if not node.name.startswith("_") and ast.get_docstring(node) is None:
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not bare, "\n".join(bare)


def test_no_file_or_function_is_named_after_nothing() -> None:
    names = re.compile(r"(^|_)(helpers?|utils?|misc|common)(_|$)")
    wrong = [str(path.relative_to(ROOT)) for path in sources(*CHECKED) if names.search(path.stem)]
    assert not wrong, "\n".join(wrong)


def test_test_files_have_unique_names() -> None:
    names = [path.name for path in sources("tests") if path.name != "conftest.py"]
    names.remove("__init__.py")  # of tests/support
    assert sorted(names) == sorted(set(names))


def test_no_machine_paths_or_addresses_in_the_tree() -> None:
    # Parts are joined here so that this file does not find itself.
    words = ("/".join(("", "home", "")), "/".join(("", "root", "")), "/".join(("", "work", "")))
    temporary = re.compile(r"(?<![\w.])/" + r"tmp/\w")
    address = re.compile(r"\b(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b")
    wrong = []
    for path, text in tracked_texts():
        for number, line in enumerate(text.splitlines(), 1):
            if any(w in line for w in words) or temporary.search(line) or address.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_to_do() -> None:
    mark = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources(*CHECKED)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_a_thing_is_not_is_said_in_plain_english() -> None:
    phrase = re.compile(
        r"(?<![Tt]here )\b(is|are) no (?!longer|less|greater|more|such|single|fewer)\w+"
    )
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in tracked_texts()
        if path.suffix in (".py", ".md")
        for number, line in enumerate(text.splitlines(), 1)
        if phrase.search(line)
    ]
    assert not wrong, "write 'is not a ...':\n" + "\n".join(wrong)


def test_ruff_format_changes_nothing() -> None:
    folders = [name for name in CHECKED if (ROOT / name).exists()]
    complaints = run("ruff", "format", "--check", "--no-cache", *folders)
    assert not complaints, complaints


def test_ruff_finds_nothing() -> None:
    folders = [name for name in CHECKED if (ROOT / name).exists()]
    complaints = run("ruff", "check", "--no-cache", "--output-format", "concise", *folders)
    assert not complaints, complaints


def test_types_check(tmp_path: Path) -> None:
    complaints = checked_types(tmp_path, "-p", "hlsgen")
    assert not complaints, complaints


def test_no_complaint_about_types_is_silenced() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources(*PACKAGES)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "type: ignore" in line
    ]
    assert not wrong, "say it in types: " + ", ".join(wrong)


def test_every_package_is_listed_for_installation() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in sources(*PACKAGES)}
    dotted = {".".join(folder.parts) for folder in folders}
    present = {n if n.startswith("hlsgen") else f"hlsgen.{n}" for n in dotted}
    assert set(listed["packages"]) == present


def test_no_folder_of_tests_is_left_out(pytestconfig: pytest.Config) -> None:
    """pytest passes over folders of some names, for example ``build``."""
    left_out = pytestconfig.getini("norecursedirs")
    for folder in {path.parent for path in (ROOT / "tests").rglob("test_*.py")}:
        for name in folder.relative_to(ROOT).parts:
            assert not any(fnmatch(name, pattern) for pattern in left_out), folder
