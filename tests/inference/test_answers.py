from __future__ import annotations

from PIL import Image

from hpo_torch.inference.answers import answer_images, answer_texts, lines_of, lines_of_file


def test_files_and_folders_are_answered_in_order_and_problems_in_place(
    digits, digit_data, tmp_path
):
    for position in range(3):
        image = Image.fromarray(digit_data.test_images[position, 0].numpy())
        (tmp_path / "folder" / "deep").mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / ("a.png" if position == 0 else f"folder/deep/{position}.png"))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    names = [
        str(tmp_path / name) for name in ("a.png", "broken.png", "empty", "folder", "gone.png")
    ]
    answers = list(answer_images(digits, digits.encoder, names))
    assert [answer.source.removeprefix(f"{tmp_path}/") for answer in answers] == [
        "a.png",
        "broken.png",
        "empty",
        "folder/deep/1.png",
        "folder/deep/2.png",
        "gone.png",
    ]
    expected = digits.predict(digit_data.test_images[:3])
    assert [answers[place].prediction.label for place in (0, 3, 4)] == [
        each.label for each in expected
    ]
    problems = [answer.problem for answer in answers if answer.prediction is None]
    assert [problem.split(f"{tmp_path}/")[1] for problem in problems][1:] == [
        "empty: expected images in it, found none",
        "gone.png: expected an image file, found none",
    ]
    assert "broken.png cannot be read as an image" in problems[0]


def test_lines_are_texts_with_their_numbers(tmp_path, reviews):
    (tmp_path / "texts.txt").write_bytes("\ufeffso fine\r\n\n  very dull \n".encode())
    answers = answer_texts(reviews, lines_of_file(tmp_path / "texts.txt"))
    assert [(answer.source.split("/")[-1], answer.text) for answer in answers] == [
        ("texts.txt:1", "so fine"),
        ("texts.txt:3", "very dull"),
    ]
    assert [answer.prediction.label for answer in answers] == ["good", "bad"]
    assert lines_of(["", " "], "-") == []


def test_text_files_that_cannot_be_read_are_problems(tmp_path, reviews):
    (tmp_path / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    asked = [*lines_of_file(tmp_path / "latin.txt"), *lines_of_file(tmp_path / "gone.txt")]
    answers = answer_texts(reviews, [*asked, *lines_of(["fine"], "-")])
    assert "expected texts in UTF-8" in answers[0].problem
    assert answers[1].problem.endswith("gone.txt cannot be read: No such file or directory")
    assert answers[2].prediction.label == "good"
