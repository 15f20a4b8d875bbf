"""The README: its tables are those of the records, its commands exist, its example runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.main import get_command

from benchmarks.table import PICTURES, READMES, filled

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_tables_are_those_of_the_records(path: Path) -> None:
    text = path.read_text()
    assert filled(text) == text, "run: python -m benchmarks.table"


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_pictures_are_those_of_the_records(path: Path) -> None:
    assert path.read_text() == PICTURES[path](), "run: python -m benchmarks.table"


def test_every_command_and_option_named_in_the_readme_exists() -> None:
    from hlsgen.cli import app

    commands = get_command(app).commands
    named = re.findall(r"\| `hlsgen (\w+)([^`]*)`", README)
    assert {name for name, _ in named} == set(commands)
    for name, rest in named:
        known = {
            option
            for parameter in commands[name].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert set(re.findall(r"(?<![\w-])--?[a-z]+(?:-[a-z]+)*", rest)) <= known, name


def test_the_readme_names_every_option_of_compile() -> None:
    from hlsgen.cli import app

    section = README.split("## Command line")[1].split("\n## ")[0]
    options = {
        option
        for parameter in get_command(app).commands["compile"].params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert not {option for option in options if not re.search(rf"{option}(?![\w-])", section)}


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=str
)
def test_links_to_files_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_picture_is_that_of_the_mapping(tmp_path: Path) -> None:
    """docs/mapping.svg is what hlsgen map draws of the README's example."""
    from hlsgen import map_kernel

    (source,) = re.findall(r'map_kernel\("([^"]+)"', README)
    mapped = map_kernel(ROOT / source, output=tmp_path)
    drawn = (mapped.directory / "mapping.svg").read_text()
    assert (ROOT / "docs" / "mapping.svg").read_text() == drawn


def cycles_of_digits(board: str) -> int:
    """Cycles per inference of the digits network in the README's table."""
    (row,) = re.findall(rf"\| Digits CNN \| {board} \|(.*)", README)
    return int(row.split("|")[2].replace(",", ""))


def test_the_example_prints_the_interval_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Table, example and the comment beside its first print speak of one design."""
    compiles, (printed,) = (
        EXAMPLES[0].split("result = ")[0],
        re.findall(r"\)  # ([\d ]+)\n", EXAMPLES[0]),
    )
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(compiles, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == printed.split()
    (board,) = re.findall(r'board="(\w+)"', compiles)
    assert int(printed.split()[0]) == cycles_of_digits(board)


def test_the_picture_of_the_digits_network_shows_the_designs_of_the_table() -> None:
    picture = (ROOT / "docs" / "pipeline.svg").read_text()
    designs = re.findall(r">(\w+): \d+ multipliers, a digit every ([\d,]+) cycles", picture)
    assert len(designs) == 2
    for board, cycles in designs:
        assert int(cycles.replace(",", "")) == cycles_of_digits(board), board


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_the_python_examples_run(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], "README.md", "exec"), {})
