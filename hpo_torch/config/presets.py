"""Presets: named configuration files that ship with hpo-torch."""

from __future__ import annotations

from pathlib import Path

from hpo_torch.errors import UnknownNameError


def presets_folder() -> Path:
    """Find the folder of presets: inside the installed wheel, or `configs/` of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


def preset_names() -> list[str]:
    """List the presets by name."""
    return sorted(path.stem for path in presets_folder().glob("*.yaml"))


def preset_path(name: str) -> Path:
    """Find a preset's file; raises UnknownNameError with the nearest name."""
    if name not in preset_names():
        raise UnknownNameError("preset", name, preset_names())
    return presets_folder() / f"{name}.yaml"


def preset_summary(name: str) -> str:
    """Return what a preset is for: the comment in its first line."""
    first = preset_path(name).read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip()
