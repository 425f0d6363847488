"""A verification as an HTML page."""

from __future__ import annotations

import html.parser
import re
from collections.abc import Iterator

import c4py
import pytest
from c4py._visible import visible
from c4py.report.html import SHOWN, to_fragment, to_html
from c4py.report.style import STYLE
from report_samples import HOSTILE, Changed, Corrupt, Sample, of_every_kind, of_hostile_names, some_id

VOID = {"meta", "br"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "footer", "section", "h1", "h2", "p", "span", "b"),
    *("svg", "defs", "pattern", "rect", "path", "ul", "li", "dl", "dt", "dd", "div", "br"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Page(html.parser.HTMLParser):
    """Reads a page; holds that every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def test_the_page_says_all_that_was_found() -> None:
    page = Page(to_html(of_every_kind()))
    for said in (
        "Verification failed",
        "/mnt/show",
        "/mnt/show.c4m",
        str(some_id("manifest")),
        "full, modes and times compared",
        "2025-06-03 14:02:11 UTC",
        "2025-06-03 14:02:13 UTC",
        "2.0 s",
        "249 files in the manifest, 240 read",
        "4.7 GB (5,000,000,000 bytes) in the manifest, 3.7 GB (4,000,000,000 bytes) read",
        "1.9 GB/s, 120 files/s, 2 workers",
        f"c4py {c4py.__version__}",
        "shots/plate.[1001-1240].exr",
        "1007, 1100-1101",
        "shots/plate.1050.exr",
        str(some_id("expected")),
        str(some_id("actual")),
        "gone",
        "moved to new.wav",
        "moved from old.wav",
        "secret/key",
        "Permission denied (os error 13)",
        "list.c4m",
        "-rwxrwxrwx",
        "2025-05-30T09:12:44Z",
        "no_id",
        "237 ok",
        "2 corrupt",
        "5 missing",
        "3 paths are listed above, under Frames.",
    ):
        assert said in page.text, said
    assert "shots/plate.1007.exr" not in page.text


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    page = Page(to_html(of_every_kind()))
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert {tag for tag, _ in page.elements} <= TAGS
    for _, attributes in page.elements:
        assert not {"src", "href", "action"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert next(page.all("html")) == {"lang": "en"}
    assert next(page.all("meta")) == {"charset": "utf-8"}


def test_the_page_is_for_print_for_the_dark_and_for_narrow_screens() -> None:
    for rule in (
        "@media print",
        "@media screen and (prefers-color-scheme: dark)",
        "@media screen and (max-width:",
        "break-after",
    ):
        assert rule in STYLE
    assert STYLE.count("{") == STYLE.count("}")


def test_the_bar_is_proportional_and_has_words() -> None:
    report = Sample(ok=[f"a{n}" for n in range(75)], missing=[f"b{n}" for n in range(25)])
    text = to_html(report)
    assert re.findall(r'<rect x="([\d.]+)%" width="([\d.]+)%"', text) == [("0.000", "75.000"), ("75.000", "25.000")]
    page = Page(text)
    bar = next(svg for svg in page.all("svg") if svg.get("class") == "bar")
    assert (bar["role"], bar["aria-label"]) == ("img", "Outcome: 75 ok, 25 missing")
    assert "75 ok 75.0%" in page.text
    # Not by colour alone: what failed is hatched.
    assert 'id="missing" width="8" height="8" patternUnits="userSpaceOnUse"><rect' in text
    assert re.search(r'id="missing".*?<path d="', text)


def test_a_small_part_of_the_bar_is_seen() -> None:
    text = to_html(Sample(ok=[f"a{n}" for n in range(5_000)], missing=["b"]))
    widths = [float(width) for width in re.findall(r'<rect x="[\d.]+%" width="([\d.]+)%"', text)]
    assert widths[1] > 0.5
    assert sum(widths) == pytest.approx(100, abs=0.01)
    assert "&lt;0.1%" in text
    assert "&gt;99.9%" in text


def test_the_verdict_does_not_call_unread_content_verified() -> None:
    quick = Page(to_html(Sample(unverified=["a"], mode="quick", files_total=1)))
    assert "No difference found" in quick.text
    assert "content was not read" in quick.text
    assert "Verified" not in quick.text
    assert "1 unverified" in quick.text
    sample = Page(to_html(Sample(ok=["a"], unverified=["b"], mode="sample", sample=0.5, files_total=2, files_read=1)))
    assert "sample of 50%: part of the content was read" in sample.text
    assert "Verified" not in sample.text
    assert "Verified" in Page(to_html(Sample(ok=["a"]))).text


def test_an_empty_report_is_a_page() -> None:
    page = Page(to_html(Sample()))
    assert "Verified" in page.text
    assert "The manifest is empty" in page.text
    assert "svg" not in {tag for tag, _ in page.elements}


def test_hostile_names_are_seen_and_do_nothing() -> None:
    report = of_hostile_names()
    for text in (to_html(report), to_fragment(report)):
        assert text.replace("\n", "").isprintable()
        assert text.encode()
        page = Page(text)
        assert {tag for tag, _ in page.elements} <= TAGS
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        for name in HOSTILE if "<html" in text else HOSTILE[:5]:
            assert visible(name) in page.text
    page = Page(to_html(report))
    for kind in ("corrupt", "canonical", "unreadable", "changed", "extra", "unverified"):
        assert all(f"{kind}/{visible(name)}" in page.text for name in HOSTILE), kind


def test_a_big_report_is_bounded_and_says_how_many_more() -> None:
    many = 20_000
    report = Sample(
        missing=[f"missing/{n}/x" for n in range(many)],
        corrupt=[Corrupt(f"corrupt/{n}/x") for n in range(many)],
        changed=[Changed(f"changed/{n}/x") for n in range(many)],
    )
    text = to_html(report)
    assert len(text) < 1_000_000
    assert text.count("<tr><td>") == 3 * SHOWN
    assert text.count(f"… and {many - SHOWN:,} more: the JSON and CSV reports have all.") == 3


def test_a_notebook_shows_the_first_that_failed_without_a_style() -> None:
    report = Sample(ok=["a"], missing=[f"f{n}" for n in range(50)])
    text = to_fragment(report)
    page = Page(text)
    assert "failed: 50 missing" in page.text
    assert "f19" in page.text
    assert "… 30 more" in page.text
    assert "style" not in text
    assert "more" not in to_fragment(Sample(ok=["a"] * 50))
    assert "no_id" in to_fragment(Sample(unverified=["no_id"]))
