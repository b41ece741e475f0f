"""A browser without JavaScript: pages as trees, forms sent, redirects seen but not followed."""

from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from lxml import html

WAIT_SECONDS: Final = 30


@dataclass(frozen=True)
class Page:
    """What came back for one request."""

    url: str
    status: int
    headers: HTTPMessage
    text: str

    @property
    def tree(self) -> html.HtmlElement:
        return html.fromstring(self.text)

    @property
    def location(self) -> str:
        """Return where a redirect leads."""
        return urljoin(self.url, str(self.headers["Location"]))

    def error_beside(self, field: str) -> str:
        """Return the sentence a field is described by, as a screen reader would say it."""
        [described_by] = self.tree.xpath("//input[@name=$field]/@aria-describedby", field=field)
        sentence: str = self.tree.get_element_by_id(described_by).text_content()
        return sentence.strip()


class Browser:
    """Someone with a browser, who reads one language."""

    def __init__(self, language: str = "en") -> None:
        self._language = language

    def open(self, url: str) -> Page:
        return self._send(url, None, {})

    def submit(
        self, page: Page, fields: dict[str, str], *, form: int = 0, origin: str | None = None
    ) -> Page:
        """Send a form of a page with what it holds, then with what is typed."""
        chosen = page.tree.forms[form]
        values = {name: value or "" for name, value in chosen.form_values()}
        target = urljoin(page.url, chosen.get("action") or page.url)
        headers = {} if origin is None else {"Origin": origin}
        return self._send(target, {**values, **fields}, headers)

    def _send(self, url: str, fields: dict[str, str] | None, headers: dict[str, str]) -> Page:
        place = urlsplit(url)
        assert place.hostname is not None
        target = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
        sent = {"Accept-Language": self._language, **headers}
        if fields is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection(place.hostname, place.port, timeout=WAIT_SECONDS)
        with closing(connection):
            body = None if fields is None else urlencode(fields)
            connection.request("GET" if fields is None else "POST", target, body, sent)
            answer = connection.getresponse()
            return Page(url, answer.status, answer.headers, answer.read().decode())
