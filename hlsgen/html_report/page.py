"""``report.html``: sections of plain values, turned into one page by the templates beside this file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hlsgen.artefact.folder import Folder, stale
from hlsgen.html_report.content import Bar, Page, Section
from hlsgen.html_report.designs import layers, picture, processing_elements, timeline
from hlsgen.html_report.documents import Documents, documents_of
from hlsgen.html_report.exactness import exactness, verdict
from hlsgen.html_report.figures import clock, summary, utilisation

PAGE = "report.html"
KINDS = {
    "stream_network": "network, an array for every layer",
    "stream_kernel": "loop kernel, a pipeline",
    "grid_network": "network on a fabric",
    "grid_kernel": "loop kernel on a fabric",
    "fabric": "fabric",
}


def page(documents: Documents) -> str:
    """The HTML of a design's report. Nothing of it depends on when or where it was made.

    Raises KeyError, TypeError, ValueError, AttributeError for documents that are not those that hlsgen writes.
    """
    return rendered(content(documents))


def parts(documents: Documents) -> str:
    """The sections of the page without a frame, for a notebook."""
    return rendered(content(documents), "parts_only.html.j2")


def write_page(folder: Folder) -> None:
    """Write DIR/report.html from what is in the folder. Raises BadFile where that is not what hlsgen wrote."""
    try:
        text = page(documents_of(folder))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"expected the documents of a compiled design, found {error!r}"
        raise stale(folder.directory / "report.json", problem) from None
    folder.write(PAGE, text)


def content(documents: Documents) -> Page:
    """What the page says."""
    manifest, report = documents.manifest, documents.report
    place = report.get("board") or manifest.board or report.get("fabric")
    subtitle = KINDS.get(manifest.kind, manifest.kind) + (f", for {place}" if place else "")
    sections = (
        summary(documents),
        picture(documents),
        layers(documents),
        utilisation(documents),
        timeline(documents),
        processing_elements(documents),
        exactness(documents),
        clock(documents),
        _reproduction(documents),
    )
    known = tuple(section for section in sections if not section.is_empty)
    return Page(manifest.top, subtitle, verdict(documents), known)


def rendered(shown: Page, template: str = "page.html.j2") -> str:
    """HTML by a template; every text is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hlsgen.html_report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    environment.tests |= {"bar": lambda cell: isinstance(cell, Bar)}
    environment.filters["figure"] = _figure
    return environment.get_template(template).render(page=shown)


def _figure(cell: Any) -> str:
    """A number with separators; a text as it is; a dash for what is not known."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.2f}".rstrip("0").rstrip(".")
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _reproduction(documents: Documents) -> Section:
    """Commands and versions."""
    origin, built = documents.manifest.made_by, documents.built
    commands = list(_commands(documents))
    versions = [f"{name} {number}" for name, number in origin.get("versions", {}).items()]
    tools = [f"{name}: {_last_line(text)}" for name, text in built.get("tools", {}).items()]
    texts = (
        f"Compiled with {', '.join(versions)}." if versions else "",
        f"Built with {'; '.join(tools)}." if tools else "",
        f"SHA-256 of design.v: {documents.manifest.verilog_sha256}",
    )
    shown = tuple(text for text in texts if text)
    return Section("reproduction", "To make it again", shown, commands=tuple(commands))


def _commands(documents: Documents) -> Iterator[str]:
    origin, verified, built = documents.manifest.made_by, documents.verified, documents.built
    if "command" in origin:
        yield f"{origin['command']} -o DIR"
    if verified:
        yield (
            f"hlsgen verify DIR --samples {verified['samples']} --engine {verified['engine']}"
            f" --stall {verified['stall']} --seed {verified['seed']}"
        )
    if built:
        seeds = f" --seeds {len(built['seeds'])}" if len(built["seeds"]) > 1 else ""
        yield f"hlsgen build DIR --board {built['board']}{seeds}"


def _last_line(text: str) -> str:
    """Of a tool's identity; paths of this machine are not part of it."""
    return " ".join(word for word in text.split() if os.sep not in word)
