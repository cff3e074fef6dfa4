from __future__ import annotations

from hpo_torch.results.found_paths import file_there, folder_there


def test_files_and_folders_are_told_apart_and_impossible_names_are_not_there(tmp_path):
    (tmp_path / "file").touch()
    paths = [tmp_path, tmp_path / "file", tmp_path / "gone", tmp_path / ("x" * 300)]
    assert [file_there(path) for path in paths] == [False, True, False, False]
    assert [folder_there(path) for path in paths] == [True, False, False, False]
