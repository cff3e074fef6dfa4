from __future__ import annotations

from PIL import Image

from hpo_torch.inference.answers import (
    answer_images,
    answer_texts,
    argument_text,
    lines_of_bytes,
    lines_of_file,
)


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
    split = lines_of_bytes(b"a\rb\r\nc\x0cd\n", "-")  # a form feed ends no line
    assert [(each.source, each.text) for each in split] == [
        ("-:1", "a"),
        ("-:2", "b"),
        ("-:3", "c\x0cd"),
    ]


def test_text_files_that_cannot_be_read_are_problems(tmp_path, reviews):
    (tmp_path / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (tmp_path / "empty.txt").write_text(" \n\n")
    names = ("latin.txt", "gone.txt", "empty.txt", "x" * 300)
    asked = [each for name in names for each in lines_of_file(tmp_path / name)]
    answers = answer_texts(reviews, [*asked, *lines_of_bytes(b"fine", "-")])
    assert "expected texts in UTF-8" in answers[0].problem
    assert answers[1].problem.endswith("gone.txt cannot be read: No such file or directory")
    assert answers[2].problem.endswith("empty.txt: expected texts, a line each, found none")
    assert answers[3].problem.endswith("cannot be read: File name too long")
    assert [each.prediction for each in answers[:4]] == [None] * 4
    assert answers[4].prediction.label == "good"


def test_texts_of_the_command_line_are_checked(reviews):
    given = [argument_text(text, "--text") for text in ("caf\udce9", " ", "caf\u00e9 fine")]
    assert [each.problem for each in given] == [
        "--text: expected a text in UTF-8, got 'caf\\udce9'",
        "--text: expected a text, got ' '",
        "",
    ]
    assert [each.prediction is None for each in answer_texts(reviews, given)] == [True, True, False]


def test_image_path_longer_than_names_can_be_is_a_problem(digits):
    (answer,) = answer_images(digits, digits.encoder, ["x" * 300])
    assert answer.problem.endswith("x: expected an image file, found none")
