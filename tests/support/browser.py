"""A page in a browser without a screen: Chromium as it is in PyQt6-WebEngine, in a process of its own.

``python browser.py PAGE.html AXE.js OUT.json [PICTURE.png]`` writes what the page did: errors of its scripts, addresses that it asked for, and what axe-core,
the accessibility checker, and a few questions of our own found.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

WIDTH, HEIGHT = 1100, 1250
SECONDS = 240
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "cat.keyboard"]
QUESTIONS = """
(() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const controls = all("a[href], button, input, select, summary, [tabindex]");
  const links = all("a[href]").map((a) => a.getAttribute("href"));
  return JSON.stringify({
    unreachable: controls.filter((e) => e.tabIndex < 0).map((e) => e.outerHTML.slice(0, 80)),
    elsewhere: links.filter((href) => !href.startsWith("#")),
    dead: links.filter((href) => href.startsWith("#") && href !== "#" && !document.getElementById(decodeURIComponent(href.slice(1)))),
    hidden: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    height: document.documentElement.scrollHeight,
  });
})()
"""


def seen(page: Path, folder: Path, picture: Path | None = None) -> Mapping[str, Any]:
    """What a page did in the browser; skips where there is none."""
    for package in ("PyQt6.QtWebEngineCore", "axe_playwright_python"):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            spec = None
        if spec is None:
            pytest.skip(f"needs {package.partition('.')[0]}: pip install 'hlsgen[browser]'")
    axe = importlib.util.find_spec("axe_playwright_python")
    assert axe is not None and axe.origin is not None
    out = folder / "browser.json"
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",
        "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu",
    }
    script = Path(axe.origin).with_name("axe.min.js")
    command = [sys.executable, __file__, str(page), str(script), str(out)]
    ran = subprocess.run(
        command + ([] if picture is None else [str(picture)]),
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if "error while loading shared libraries" in ran.stderr or "cannot open shared" in ran.stderr:
        pytest.skip(f"the browser does not start here: {ran.stderr.splitlines()[-1]}")
    assert ran.returncode == 0 and out.exists(), ran.stderr[-2000:]
    report: Mapping[str, Any] = json.loads(out.read_text())
    return report


def main(page: str, axe: str, out: str, picture: str | None = None) -> int:
    """See the file."""
    from PyQt6.QtCore import QTimer, QUrl
    from PyQt6.QtWebEngineCore import QWebEnginePage, QWebEngineUrlRequestInterceptor
    from PyQt6.QtWebEngineWidgets import QWebEngineView
    from PyQt6.QtWidgets import QApplication

    errors: list[str] = []
    asked: list[str] = []

    class Page(QWebEnginePage):  # type: ignore[misc]
        def javaScriptConsoleMessage(self, level: Any, text: str, line: int, source: str) -> None:
            if level == QWebEnginePage.JavaScriptConsoleMessageLevel.ErrorMessageLevel:
                errors.append(f"{source}:{line}: {text}")

    class Requests(QWebEngineUrlRequestInterceptor):  # type: ignore[misc]
        def interceptRequest(self, info: Any) -> None:
            asked.append(info.requestUrl().toString()[:200])

    app = QApplication(["browser"])
    view, requests = QWebEngineView(), Requests()
    shown = Page(view)
    shown.setUrlRequestInterceptor(requests)
    view.setPage(shown)
    view.resize(WIDTH, HEIGHT)

    def finish(answers: Mapping[str, Any]) -> None:
        if picture is not None:
            view.grab().save(picture)
        report = {"script_errors": errors, "asked": asked, **answers}
        Path(out).write_text(json.dumps(report, indent=1))
        app.quit()

    view.loadFinished.connect(lambda good: question(shown, Path(axe), good, finish))
    view.load(QUrl.fromLocalFile(str(Path(page).absolute())))
    view.show()
    QTimer.singleShot(SECONDS * 1000, lambda: app.exit(1))
    return int(app.exec())


def question(
    shown: Any, axe: Path, good: bool, finish: Callable[[Mapping[str, Any]], None]
) -> None:
    """Ask a loaded page QUESTIONS and what axe-core finds, one after the other."""
    from PyQt6.QtCore import QTimer

    answers: dict[str, Any] = {"loaded": good}

    def look() -> None:
        shown.runJavaScript("window.audit || ''", take)

    def take(audit: str) -> None:
        if not audit:
            QTimer.singleShot(200, look)
            return
        answers["violations"] = json.loads(audit)
        QTimer.singleShot(500, lambda: finish(answers))

    def answered(text: str) -> None:
        answers.update(json.loads(text))
        shown.runJavaScript(axe.read_text("utf-8"))
        shown.runJavaScript(
            f"axe.run(document, {{runOnly: {json.dumps(RULES)}, resultTypes: ['violations']}})"
            ".then(r => { window.audit = JSON.stringify(r.violations.map(v => ({rule: v.id, help: v.help,"
            " nodes: v.nodes.slice(0, 5).map(n => n.html.slice(0, 120) + ' ' + n.failureSummary)}))); })"
        )
        look()

    shown.runJavaScript(QUESTIONS, answered)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
