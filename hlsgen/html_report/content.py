"""What a page consists of: sections of tables, pictures, timelines and texts. Plain values; the templates turn them into HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Bar:
    """A share, 0 to 1 (more is drawn as 1), shown as a bar with its ``text``."""

    share: float
    text: str

    @property
    def width(self) -> str:
        """Of 100."""
        return f"{100 * min(1.0, max(0.0, self.share)):.1f}"


TableCell: TypeAlias = str | int | float | Bar | None
"""A cell of a table; None: not known."""


@dataclass(frozen=True)
class Table:
    """The first cell of a row names it; ``marked``: the name of a row that stands out, and ``mark``: why."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    marked: str | None = None
    mark: str = ""


@dataclass(frozen=True)
class NodeBox:
    """A box at ``x``, ``y`` (its upper left corner): a title and lines of text, a bar for ``share`` (None: without)."""

    name: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...]
    share: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class EdgeLine:
    """A line through ``path`` (SVG), from one box to another, and its ``label`` at ``x``, ``y``; ``carried``: of an earlier iteration."""

    source: str
    target: str
    path: str
    label: str
    x: float
    y: float
    carried: bool = False


@dataclass(frozen=True)
class Picture:
    """A graph, laid out."""

    title: str
    description: str
    width: float
    height: float
    nodes: tuple[NodeBox, ...]
    edges: tuple[EdgeLine, ...]


@dataclass(frozen=True)
class Drawing:
    """An SVG document, shown as an image."""

    title: str
    address: str
    """A ``data:`` address that holds it."""


@dataclass(frozen=True)
class TimelineRow:
    """``areas``: (state, SVG path) pairs; ``text``: the shares of the states, for who cannot see them."""

    name: str
    y: float
    areas: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True)
class Timeline:
    """``states``: (state, title) pairs of the legend; ``ticks``: (x, text) pairs."""

    title: str
    description: str
    width: float
    height: float
    row_height: float
    left: float
    states: tuple[tuple[str, str], ...]
    rows: tuple[TimelineRow, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class ScatterPoint:
    """``kind``: best, front or beaten."""

    x: float
    y: float
    kind: str
    text: str


@dataclass(frozen=True)
class Scatter:
    """Points over two axes that meet at ``left``, ``foot``; ticks are (place, text) pairs."""

    title: str
    width: float
    height: float
    left: float
    foot: float
    points: tuple[ScatterPoint, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Section:
    """``name`` is its anchor."""

    name: str
    title: str
    texts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    scatters: tuple[Scatter, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.texts or self.tables or self.pictures or self.drawings or self.timelines)


@dataclass(frozen=True)
class Page:
    """A whole report; ``verdict``: (word, sentence) of the verification."""

    title: str
    subtitle: str
    verdict: tuple[str, str]
    sections: Sequence[Section] = field(default_factory=tuple)
