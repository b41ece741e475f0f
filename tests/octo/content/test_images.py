"""Pictures are made anew from their pixels, or refused."""

import contextlib
import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageSequence

from octo.content.feature import storage
from octo.content.images import LARGEST_BYTES, BadImageError, keep_image
from octo.content.pictures import PictureName
from octo.content.storage import Storage
from octo.errors import NotFoundError

GPS = 0x8825
ORIENTATION = 0x0112


@pytest.fixture
def store(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "media")


def drawn(size: tuple[int, int] = (900, 500), mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, size, "#17698a")
    ImageDraw.Draw(image).ellipse((20, 20, 200, 200), fill="#f7c948")
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def kept(name: str, store: Storage) -> Image.Image:
    return Image.open(io.BytesIO(store.read(name)))


def test_a_png_stays_the_same_pixels_and_keeping_it_again_changes_no_byte(store: Storage) -> None:
    name = keep_image(encoded(drawn((1600, 900)), "PNG"), store)
    first = store.read(name)

    again = keep_image(first, store)

    assert again == name
    assert store.read(again) == first
    assert kept(name, store).tobytes() == drawn((1600, 900)).tobytes()


def test_exif_and_place_are_dropped(store: Storage) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Phone of Rozenn"
    exif.get_ifd(GPS)[2] = (48.0, 23.0, 24.0)
    sent = encoded(drawn(), "JPEG", exif=exif)
    assert b"Phone of Rozenn" in sent

    name = keep_image(sent, store)

    for file in store.folder.rglob("*.*"):
        assert b"Rozenn" not in file.read_bytes()
        assert not Image.open(file).getexif()
    assert name.endswith(".jpg")


def test_a_picture_taken_sideways_stands_upright(store: Storage) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6

    name = keep_image(encoded(drawn((900, 500)), "JPEG", exif=exif), store)

    assert kept(name, store).size == (500, 900)


def test_what_follows_the_pixels_is_dropped(store: Storage) -> None:
    name = keep_image(encoded(drawn(), "PNG") + b"<?php system($_GET['x']); ?>", store)

    assert b"<?php" not in store.read(name)


def test_widths_are_made_up_to_the_picture_itself(store: Storage) -> None:
    name = PictureName.find(keep_image(encoded(drawn((1000, 500)), "JPEG"), store))

    assert name is not None
    assert name.widths() == [400, 800, 1000]
    assert [kept(name.variant(width), store).size for width in name.widths()] == [
        (400, 200),
        (800, 400),
        (1000, 500),
    ]
    assert kept(name.variant(400), store).format == "WEBP"


def test_a_large_photograph_is_made_smaller(store: Storage) -> None:
    name = keep_image(encoded(drawn((4000, 3000)), "JPEG"), store)

    assert kept(name, store).size == (1600, 1200)


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1"])
def test_every_kind_of_png_is_taken(store: Storage, mode: str) -> None:
    assert keep_image(encoded(drawn((64, 64)).convert(mode), "PNG"), store).endswith(".png")


def test_a_scan_in_16_bits_keeps_its_greys(store: Storage) -> None:
    scan = Image.new("I;16", (64, 64), 0x8000)

    name = keep_image(encoded(scan, "PNG"), store)

    assert kept(name, store).convert("L").getpixel((0, 0)) == 0x80


def test_of_a_photograph_with_a_second_picture_behind_it_the_first_is_kept(store: Storage) -> None:
    depth = Image.new("RGB", (32, 32), "black")
    portrait = encoded(drawn(), "MPO", save_all=True, append_images=[depth])
    assert len(list(ImageSequence.Iterator(Image.open(io.BytesIO(portrait))))) == 2

    behind = [portrait, encoded(drawn(), "JPEG") + encoded(depth, "JPEG")]
    names = {keep_image(sent, store) for sent in behind}

    assert names == {keep_image(encoded(drawn(), "JPEG"), store)}


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_colours_of_another_profile_become_plain_ones(store: Storage, mode: str) -> None:
    unusable = encoded(drawn().convert(mode), "JPEG", icc_profile=b"of another printer")

    name = keep_image(unusable, store)

    assert kept(name, store).mode == "RGB"
    assert kept(name, store).getpixel((100, 100)) == pytest.approx(
        drawn().convert(mode).convert("RGB").getpixel((100, 100)), abs=3
    )


def test_a_still_picture_written_as_an_animation_of_one_is_kept(store: Storage) -> None:
    for kind in ("PNG", "WEBP"):
        assert keep_image(encoded(drawn(), kind, save_all=True), store)


def test_a_transparent_webp_keeps_its_transparency(store: Storage) -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))

    name = keep_image(encoded(clear, "WEBP", lossless=True), store)

    assert kept(name, store).mode == "RGBA"


def announced(width: int, height: int) -> bytes:
    """Write a tiny PNG whose header announces an enormous picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    pixels = zlib.compress(b"\0" * 1_000_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"not a picture",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        lambda: b"%PDF-1.7 ...",
        lambda: encoded(drawn(), "GIF"),
        lambda: encoded(drawn(), "BMP"),
        lambda: encoded(drawn(), "TIFF"),
        lambda: encoded(drawn(), "JPEG")[:400],
        lambda: encoded(drawn(), "PNG")[:200],
        lambda: announced(60_000, 60_000),
        lambda: announced(7_000, 7_000),
        lambda: encoded(drawn((8, 8)), "PNG"),
        lambda: animated("PNG"),
        lambda: animated("WEBP"),
        lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * LARGEST_BYTES,
    ],
    ids=[
        *("empty", "text", "svg", "pdf", "gif", "bmp", "tiff", "cut jpeg", "cut png", "bomb"),
        *("too many pixels", "too small", "animated png", "animated webp", "too heavy"),
    ],
)
def test_anything_else_is_refused_beside_its_field(
    store: Storage, make: Callable[[], bytes]
) -> None:
    with pytest.raises(BadImageError) as refused:
        keep_image(make(), store, field="cover")

    assert refused.value.field == "cover"
    assert not list(store.folder.rglob("*"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_kept_or_refused_and_never_a_fault(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    sent = bytearray(encoded(drawn((64, 48)), kind, exif=exif))
    for _ in range(data.draw(st.integers(1, 6))):
        sent[data.draw(st.integers(12, len(sent) - 1))] = data.draw(st.integers(0, 255))

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.suppress(BadImageError),
    ):
        keep_image(bytes(sent), Storage(Path(folder)))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.png", "", "x" * 200, ".hidden"])
def test_no_path_is_built_from_another_name(store: Storage, name: str) -> None:
    with pytest.raises(NotFoundError):
        store.find_path(name)


def test_a_kept_picture_is_served_for_a_year_and_runs_nothing(client: FlaskClient) -> None:
    name = keep_image(encoded(drawn(), "PNG"), storage())

    answer = client.get(f"/media/{name}")

    assert answer.status_code == 200
    assert answer.content_type == "image/png"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


def test_a_picture_that_is_not_here_is_a_404(client: FlaskClient) -> None:
    assert client.get("/media/0123456789abcdef0123456789abcdef-800x450.png").status_code == 404
    assert client.get("/media/..%2f..%2fetc%2fpasswd").status_code == 404
