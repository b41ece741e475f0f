"""Pictures from people: checked, made anew from their pixels, and kept in a few widths.

Nothing of the file that was sent survives but its pixels: no EXIF, no place where it was
taken, no hidden payload. A PNG stays a PNG, so that keeping it twice gives the same bytes.
"""

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Final

import puremagic
from PIL import Image, ImageCms, ImageOps

from octo.content.pictures import WIDTHS, PictureName
from octo.content.storage import Storage
from octo.errors import N_, InvalidError

LARGEST_BYTES: Final = 10 * 1024 * 1024
LARGEST_PIXELS: Final = {"JPEG": 60_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
LARGEST_SIDE: Final = 12_000
LARGEST_WIDTH: Final = WIDTHS[-1]
LARGEST_HEIGHT: Final = 2400
SMALLEST_SIDE: Final = 16
_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_UNREADABLE: Final = (  # what Pillow raises on damaged files
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_DAMAGED: Final = N_(
    "This picture is damaged or incomplete. Save it again as JPEG or PNG, or send another."
)
_SRGB: Final = ImageCms.createProfile("sRGB")


class BadImageError(InvalidError):
    """What was sent is not a picture that can be kept."""

    code = "bad_image"


def keep_image(data: bytes, storage: Storage, *, field: str = "cover") -> str:
    """Check a picture, make it anew and keep it; return the name to store.

    Raises ``BadImageError`` for anything that is not one still PNG, JPEG or WebP picture of
    a reasonable size. The name is the hash of the new bytes: keeping twice keeps once.
    """
    kind, image = _open(data, field=field)
    master = _encode(image, kind)
    digest = hashlib.sha256(master).hexdigest()[:32]
    extension = "png" if kind == "PNG" else "jpg"
    name = PictureName(digest, image.width, image.height, extension)
    for width in name.widths():
        if not storage.has(name.variant(width)):
            storage.write(name.variant(width), _webp(image, width))
    storage.write(str(name), master)
    return str(name)


def keep_image_file(path: Path, storage: Storage, *, field: str = "cover") -> str:
    """Keep the picture in a file; too large a file is refused before it is read."""
    if path.stat().st_size > LARGEST_BYTES:
        raise _too_heavy(field)
    return keep_image(path.read_bytes(), storage, field=field)


def _open(data: bytes, *, field: str) -> tuple[str, Image.Image]:
    if len(data) > LARGEST_BYTES:
        raise _too_heavy(field)
    kind = _kind_of(data, field=field)
    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
        _check_size(image, most=LARGEST_PIXELS[kind], field=field)
        _check_still(image, kind, field=field)
        if kind == "JPEG":  # a decoder can skip pixels that would be thrown away
            image.draft("RGB", (LARGEST_WIDTH, LARGEST_HEIGHT))
        image.load()
        fitted = _fit(_plain(image))
    except _UNREADABLE as error:
        raise BadImageError(_DAMAGED, field=field) from error
    is_photograph = kind == "JPEG" or (kind == "WEBP" and not fitted.has_transparency_data)
    return ("JPEG" if is_photograph else "PNG"), fitted


def _kind_of(data: bytes, *, field: str) -> str:
    """Return Pillow's name of what the bytes are, whatever the file was called."""
    try:
        found = puremagic.from_string(data[:4096], mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    if found not in _FORMATS:
        raise BadImageError(N_("Send a picture in PNG, JPEG or WebP."), field=field)
    return _FORMATS[found]


def _check_size(image: Image.Image, *, most: int, field: str) -> None:
    """Refuse by what the header says, before a single pixel is unpacked."""
    width, height = image.size
    if width * height > most or max(width, height) > LARGEST_SIDE:
        raise BadImageError(
            N_("This picture is too large: at most %(megapixels)s million pixels."),
            field=field,
            megapixels=most // 1_000_000,
        )
    if min(width, height) < SMALLEST_SIDE:
        raise BadImageError(N_("This picture is too small."), field=field)


def _check_still(image: Image.Image, kind: str, *, field: str) -> None:
    """Refuse an animation; a further picture in a JPEG is none.

    Cameras and phones keep a depth map, a preview or the other eye's view behind the photograph
    (CIPA DC-007, Multi-Picture Format): what is seen of the file is its first picture.
    """
    if kind != "JPEG" and getattr(image, "n_frames", 1) > 1:
        raise BadImageError(N_("Send a still picture, not an animation."), field=field)


def _plain(image: Image.Image) -> Image.Image:
    """Turn the picture upright and its colours into plain sRGB; keep nothing beside them."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        upright = _in_8_bits(upright)
    if profile and upright.mode in {"RGB", "RGBA", "CMYK", "L"}:
        upright = _in_srgb(upright, profile)
    if upright.mode not in {"RGB", "RGBA", "L", "P"}:
        has_alpha = upright.mode in {"LA", "PA", "La", "RGBa"}
        upright = upright.convert("RGBA" if has_alpha else "RGB")
    if upright.mode == "P":
        upright = upright.convert("RGBA" if "transparency" in upright.info else "RGB")
    plain = Image.new(upright.mode, upright.size)
    plain.paste(upright)
    return plain


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Keep the upper half of greys of 16 bits, as scanners write them; Pillow would clip them."""
    return image.convert("I").point(lambda grey: grey / 256).convert("L")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image


def _fit(image: Image.Image) -> Image.Image:
    if image.width <= LARGEST_WIDTH and image.height <= LARGEST_HEIGHT:
        return image
    return ImageOps.contain(image, (LARGEST_WIDTH, LARGEST_HEIGHT), Image.Resampling.LANCZOS)


def _encode(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "PNG":
        image.save(out, "PNG", optimize=True)
    else:
        image.convert("RGB").save(out, "JPEG", quality=88, optimize=True, progressive=True)
    return out.getvalue()


def _webp(image: Image.Image, width: int) -> bytes:
    height = max(1, round(image.height * width / image.width))
    smaller = (
        image
        if width == image.width
        else image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
    )
    out = io.BytesIO()
    smaller.convert("RGBA" if image.has_transparency_data else "RGB").save(
        out, "WEBP", quality=80, method=4
    )
    return out.getvalue()


def _too_heavy(field: str) -> BadImageError:
    return BadImageError(
        N_("This file is too large: at most %(megabytes)s MB."),
        field=field,
        megabytes=LARGEST_BYTES // (1024 * 1024),
    )
