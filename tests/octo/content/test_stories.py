"""Stories are shown without anything an owner could harm a reader with."""

import lxml.html
import pytest

from octo.content.stories import render_story

KEPT = "/media/0123456789abcdef0123456789abcdef-800x450.png"


def test_markdown_becomes_paragraphs_lists_and_headings_below_the_title() -> None:
    html = render_story("# Le four\n\nUn **four** à pain.\n\n- bois\n- pierre")

    assert "<h2>Le four</h2>" in html
    assert "<strong>four</strong>" in html
    assert html.count("<li>") == 2
    assert "<h1" not in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[clic](javascript:alert(1))",
        "[clic](JaVaScRiPt:alert(1))",
        "[clic](data:text/html,<script>alert(1)</script>)",
        "[clic](//example.org/suivi)",
        "![x](javascript:alert(1))",
        '<a href="#" onclick="alert(1)">x</a>',
        "<style>body{display:none}</style>",
        "<iframe src=https://example.org></iframe>",
        "<svg onload=alert(1)>",
        '[x](https://example.org "\\" onmouseover=\\"alert(1)")',
    ],
)
def test_nothing_that_runs_or_hides_survives(text: str) -> None:
    page = lxml.html.fragment_fromstring(render_story(text), create_parent="div")

    assert page.xpath(".//script | .//style | .//iframe | .//svg | .//img") == []
    assert page.xpath(".//@*[starts-with(name(), 'on')] | .//@style") == []
    assert all(link.startswith(("https:", "#")) for link in page.xpath(".//a/@href"))


def test_raw_html_is_shown_as_text() -> None:
    assert "&lt;b&gt;" in render_story("<b>gras</b>")


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/pixel.gif",
        "/media/../secret.png",
        "/static/x.png",
        "//example.org/a.png",
    ],
)
def test_pictures_from_elsewhere_are_not_fetched(address: str) -> None:
    assert "src=" not in render_story(f"![suivi]({address})")


def test_pictures_kept_here_are_shown() -> None:
    assert f'src="{KEPT}"' in render_story(f"![le four]({KEPT})")


def test_links_outside_tell_nothing_and_earn_nothing() -> None:
    html = render_story("[site](https://example.org)")

    assert 'href="https://example.org"' in html
    assert 'rel="noopener noreferrer nofollow ugc"' in html


def test_tables_and_accents_are_kept() -> None:
    html = render_story("| Poste | Coût |\n|---|---|\n| Forêt 🌳 | 12 € |")

    assert "<td>Forêt 🌳</td>" in html
