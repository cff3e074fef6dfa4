from __future__ import annotations

from pathlib import Path

import platformdirs

from hpo_torch.data.location import data_dir


def test_data_dir_without_a_setting_is_in_the_users_cache():
    assert data_dir(None) == Path(platformdirs.user_cache_dir("hpo-torch", False)) / "data"
    assert data_dir(None).is_relative_to(Path.home())


def test_data_dir_follows_the_setting_and_expands_home():
    assert data_dir("~/sets") == Path.home() / "sets"
    assert data_dir("/srv/sets") == Path("/srv/sets")
