"""Names of kept pictures: what they hold is in the name, so a page needs no look-up."""

import re
from dataclasses import dataclass
from typing import Final, Self

MEDIA_PATH: Final = "/media/"
WIDTHS: Final = (400, 800, 1600)
_NAME: Final = re.compile(
    r"(?P<hash>[0-9a-f]{32})-(?P<width>[1-9]\d{0,3})x(?P<height>[1-9]\d{0,3})\.(?P<kind>png|jpg)",
    re.ASCII,
)
_KEPT: Final = re.compile(
    r"[0-9a-f]{32}-[1-9]\d{0,3}x[1-9]\d{0,3}(?:\.(?:png|jpg)|-[1-9]\d{0,3}\.webp)", re.ASCII
)


@dataclass(frozen=True)
class PictureName:
    """A kept picture by the hash of its bytes, with its size and kind."""

    digest: str
    width: int
    height: int
    kind: str

    @classmethod
    def find(cls, name: str) -> Self | None:
        """Read a name, or return nothing when it is none of ours."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        return cls(found["hash"], int(found["width"]), int(found["height"]), found["kind"])

    def __str__(self) -> str:
        return f"{self.digest}-{self.width}x{self.height}.{self.kind}"

    def widths(self) -> list[int]:
        """Return the widths this picture is served in, smallest first."""
        return [width for width in WIDTHS if width < self.width] + [self.width]

    def variant(self, width: int) -> str:
        """Return the name of the WebP of one width."""
        return f"{self.digest}-{self.width}x{self.height}-{width}.webp"

    @property
    def url(self) -> str:
        """Return the address of the picture itself."""
        return f"{MEDIA_PATH}{self}"

    @property
    def srcset(self) -> str:
        """Return the choice of widths for a browser."""
        return ", ".join(f"{MEDIA_PATH}{self.variant(width)} {width}w" for width in self.widths())


def is_media_name(name: str) -> bool:
    """Tell whether a name can be a kept file's: no path is ever built from another."""
    return _KEPT.fullmatch(name) is not None
