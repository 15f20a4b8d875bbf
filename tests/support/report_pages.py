"""A page of HTML, read with the parser of the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class ReadPage(HTMLParser):
    """``rows``: the texts of every table row; ``faults``: elements that are closed out of order or not at all."""

    ids: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    elements: set[str] = field(default_factory=set)
    rows: list[list[str]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "action", "data"):
                self.addresses.append(value or "")
            if value is not None and "url(" in value:
                self.addresses.append(value.partition("url(")[2].rstrip(")"))
            if name.startswith("aria-labelledby"):
                self.addresses += [f"#{label}" for label in (value or "").split()]
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.inside.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.inside or self.inside.pop() != tag:
            self.faults.append(f"line {self.getpos()[0]}: </{tag}>")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if {"th", "td"} & set(self.inside):
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()


def read_page(html: str) -> ReadPage:
    """The page; its ``inside`` is what was never closed."""
    page = ReadPage()
    page.feed(html)
    page.close()
    return page
