from __future__ import annotations

import io
import json
import sys

import pytest
from PIL import Image

from hpo_torch.hooks.registry import installed_registry
from hpo_torch.plugin_api import DataRequest


@pytest.fixture
def signs(tmp_path):
    """Two test images as files, and one that is none."""
    data = installed_registry().datasets.load("digits").load(DataRequest(data_dir=tmp_path))
    for number in range(2):
        image = Image.fromarray(data.test_images[number, 0].numpy())
        image.save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    return [str(label) for label in data.test_labels[:2].tolist()]


def stdin(content):
    return io.TextIOWrapper(io.BytesIO(content))


def test_predict_prints_a_table_and_names_what_it_could_not_read(cli, digits, signs):
    done = cli("predict", digits, "0.png", "broken.png", "1.png", "--device", "cpu")
    assert done.code == 4
    lines = [line.split() for line in done.out.splitlines() if ".png" in line]
    assert [line[1] for line in lines] == ["0.png", "1.png"]
    assert [line[3] for line in lines] == signs
    for line in lines:
        shares = [float(line[place]) for place in (5, 8, 11)]
        assert shares == sorted(shares, reverse=True)
        assert 0.3 < sum(shares) <= 1.001
    assert "broken.png cannot be read as an image" in done.err
    assert "1 of 3 inputs could not be read" in done.err
    assert "Traceback" not in done.err


def test_predict_json_has_every_input_and_top_classes(cli, digits, signs, tmp_path):
    done = cli("predict", digits, str(tmp_path), "--json", "--top", "10")
    assert done.code == 4
    records = json.loads(done.out)
    assert [record["input"].rsplit("/")[-1] for record in records] == [
        "0.png",
        "1.png",
        "broken.png",
    ]
    assert [record.get("class") for record in records] == [*signs, None]
    assert "broken.png cannot be read" in records[2]["error"]
    assert sum(each["probability"] for each in records[0]["top"]) == pytest.approx(1.0)
    assert records[0]["top"][0] == {"class": signs[0], "probability": records[0]["probability"]}


def test_predict_takes_texts_from_files_options_and_stdin(cli, reviews, tmp_path, monkeypatch):
    (tmp_path / "texts.txt").write_text("so very fine\n\ndull\n")
    monkeypatch.setattr(sys, "stdin", stdin(b"fine\n"))
    done = cli("predict", reviews, "texts.txt", "-", "--text", "so dull", "--json")
    assert done.code == 0
    assert [(each["input"], each["text"], each["class"]) for each in json.loads(done.out)] == [
        ("--text", "so dull", "bad"),
        ("texts.txt:1", "so very fine", "good"),
        ("texts.txt:3", "dull", "bad"),
        ("-:1", "fine", "good"),
    ]
    table = cli("predict", reviews, "--text", "fine " * 40)
    assert "good" in table.out
    assert f"{'fine ' * 12}"[:59] + "…" in table.out


def test_predict_refuses_what_does_not_fit(cli, digits, reviews, tmp_path):
    done = cli("predict", digits)
    assert (done.code, "name files, or a text (--text)" in done.err) == (2, True)
    done = cli("predict", digits, "--text", "seven")
    assert (done.code, "this model classifies images" in done.err) == (2, True)
    done = cli("predict", str(tmp_path / "nothing"), "x.png")
    assert (done.code, "unknown run or model 'nothing'" in done.err) == (2, True)
    done = cli("predict", reviews, str(tmp_path))
    assert (done.code, "cannot be read: Is a directory" in done.err) == (4, True)


def test_predict_names_texts_that_are_not_utf8(cli, reviews, monkeypatch):
    monkeypatch.setattr(sys, "stdin", stdin(b"caf\xe9\n"))
    done = cli("predict", reviews, "-", "--text", "so fine", "--text", "caf\udce9")
    assert done.code == 4
    assert "-: expected texts in UTF-8, a line each: 'utf-8' codec can't decode byte 0xe9" in (
        done.err
    )
    assert "--text: expected a text in UTF-8, got 'caf\\udce9'" in done.err
    assert "2 of 3 inputs could not be read" in done.err
    assert "Traceback" not in done.err
    assert "good" in done.out


@pytest.mark.parametrize("given", [stdin(b""), stdin(b" \n\n"), None])
def test_predict_without_a_text_is_a_failure(cli, reviews, monkeypatch, given):
    monkeypatch.setattr(sys, "stdin", given)
    done = cli("predict", reviews, "-", "--json")
    problem = "-: expected texts, a line each, found none"
    assert (done.code, json.loads(done.out)) == (4, [{"input": "-", "error": problem}])
    assert "1 of 1 inputs could not be read" in done.err


def test_predict_names_what_is_no_device_or_too_long_a_path(cli, digits):
    done = cli("predict", digits, "x.png", "--device", "gpu")
    expected = "device: expected auto, cpu, cuda, cuda:N or mps, got 'gpu'"
    assert (done.code, expected in done.err, "Traceback" in done.err) == (2, True, False)
    done = cli("predict", digits, "x" * 300)
    assert (done.code, "x: expected an image file, found none" in done.err) == (4, True)
    done = cli("predict", "x" * 300, "x.png")
    assert (done.code, "unknown run or model 'xxx" in done.err) == (2, True)
