from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from hpo_torch.errors import OutputError
from hpo_torch.plots.draw import Drawing
from hpo_torch.reporting import pictures
from hpo_torch.reporting.pictures import embed


def draw(path, size, **options):
    Image.new("RGBA", size, (0, 114, 178, 255)).save(path, **options)
    return Drawing(path)


def content_of(shown):
    head, _, data = shown.source.partition(",")
    assert head == f"data:image/{'gif' if 'gif' in head else 'png'};base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_embed_keeps_a_small_picture_and_shrinks_a_large_one(tmp_path):
    drawings = [
        draw(tmp_path / "health.png", (300, 200)),
        draw(tmp_path / "confusion_matrix.png", (3600, 1800)),
    ]
    (small, large), absent = embed(drawings)
    assert absent == []
    assert (small.name, small.of, small.wide) == ("health", "trial", False)
    assert (large.name, large.of, large.wide) == ("confusion_matrix", "model", True)
    assert content_of(small).size == (small.width, small.height) == (300, 200)
    assert content_of(large).size == (large.width, large.height) == (1800, 900)
    assert content_of(small).convert("RGB").getpixel((5, 5)) == (0, 114, 178)


def test_embed_names_what_was_not_drawn(tmp_path):
    _, (absent,) = embed([Drawing(tmp_path / "health.png", "no health was measured")])
    assert (absent.name, absent.reason) == ("health", "no health was measured")


def test_animation_is_taken_whole_unless_it_is_too_large(tmp_path, monkeypatch):
    frames = [Image.new("P", (20, 10), colour) for colour in (1, 2, 3)]
    path = tmp_path / "health.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    (shown,), _ = embed([Drawing(path)])
    assert base64.b64decode(shown.source.partition(",")[2]) == path.read_bytes()
    monkeypatch.setattr(pictures, "LARGEST_GIF", 10)
    shown, (absent,) = embed([Drawing(path)])
    assert shown == []
    assert "too many for one page" in absent.reason


def test_picture_that_is_gone_is_one_message(tmp_path):
    with pytest.raises(OutputError, match="cannot read"):
        embed([Drawing(tmp_path / "health.png")])
