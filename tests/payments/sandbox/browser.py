"""A browser without JavaScript: pages as trees, forms filled in and sent, redirects not followed."""

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import IO

from lxml import html


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
        return urllib.parse.urljoin(self.url, self.headers["Location"])

    def error_beside(self, field: str) -> str:
        """Return the sentence a field is described by, as a screen reader would say it."""
        [described_by] = self.tree.xpath("//input[@name=$field]/@aria-describedby", field=field)
        return str(self.tree.get_element_by_id(described_by).text_content().strip())


class _StayPut(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return


class Browser:
    """Someone with a browser, who reads one language."""

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._opener = urllib.request.build_opener(_StayPut)

    def open(self, url: str) -> Page:
        return self._send(url, None, {})

    def submit(
        self, page: Page, fields: dict[str, str], *, form: int = 0, origin: str | None = None
    ) -> Page:
        """Send a form of a page with what it holds, then with what is typed."""
        chosen = page.tree.forms[form]
        values = {name: value or "" for name, value in chosen.form_values()}
        target = urllib.parse.urljoin(page.url, chosen.get("action") or page.url)
        headers = {} if origin is None else {"Origin": origin}
        return self._send(target, {**values, **fields}, headers)

    def _send(self, url: str, fields: dict[str, str] | None, headers: dict[str, str]) -> Page:
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(  # noqa: S310  # the sandbox's own address
            url, body, {"Accept-Language": self._language, **headers}
        )
        try:
            response = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as answer:
            response = answer
        with response:
            text = response.read().decode()
            return Page(url, response.status, response.headers, text)
