from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.data.image_listing import list_images

if TYPE_CHECKING:
    from pathlib import Path


def test_list_images_goes_down_and_leaves_out_what_is_hidden_or_no_image(tmp_path: Path):
    names = ["b.PNG", "a.jpeg", ".hidden.png", "Thumbs.db", "notes.txt", "deep/er/c.ppm"]
    for name in [*names, ".git/d.png", "deep/._e.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list_images(tmp_path) == ["a.jpeg", "b.PNG", "deep/er/c.ppm"]
    assert list_images(tmp_path / "nowhere") == []
