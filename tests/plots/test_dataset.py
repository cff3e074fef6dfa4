from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.data.overview import ImageOverview, ImagePart, TextOverview, TextPart
from hpo_torch.plots.dataset import image_set, text_set

LONG = "End of no passing by vehicles over 3.5 metric tons"


def image_overview(classes, *, per_class=4, channels=3):
    names = tuple(LONG if label == 1 else f"class {label}" for label in range(classes))
    counts = tuple(10 + label for label in range(classes))
    return ImageOverview(
        class_names=names,
        shape=(channels, 6, 8),
        parts=tuple(
            ImagePart(
                name=name, class_counts=counts, mean=(0.5,) * channels, std=(0.25,) * channels
            )
            for name in ("training", "test")
        ),
        examples=tuple(
            (label, np.full((per_class, 6, 8, channels), label, dtype=np.uint8))
            for label in range(classes)
        ),
    )


def shown_texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(("classes", "per_class"), [(2, 8), (10, 8), (43, 4), (100, 3)])
def test_sheet_names_every_class_in_full_and_shows_its_images(classes, per_class):
    overview = image_overview(classes, per_class=per_class)
    sheet = image_set("signs", overview).axes[0]
    assert [text.replace("\n", " ") for text in shown_texts(sheet)] == list(overview.class_names)
    assert len(sheet.images) == classes * per_class
    assert (sheet.images[per_class].get_array() == 1).all()


@pytest.mark.parametrize(("classes", "per_class"), [(10, 8), (43, 4), (100, 3)])
def test_names_on_the_sheet_do_not_overlap(classes, per_class):
    figure = image_set("signs", image_overview(classes, per_class=per_class))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    pictures = [image.get_window_extent() for image in figure.axes[0].images]
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])
        # a name lies above its images; one dot of the letters' box may touch
        inner = box.padded(-1)
        assert not any(inner.overlaps(picture) for picture in pictures)


def test_images_keep_their_proportions():
    figure = image_set("signs", image_overview(10, per_class=8))
    figure.draw_without_rendering()
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    corners = figure.axes[0].transData.transform([(left, bottom), (right, top)])
    width, height = corners[1] - corners[0]
    assert width / height == pytest.approx(8 / 6)


def test_class_histogram_has_every_count():
    overview = image_overview(43)
    histogram = image_set("signs", overview).axes[2]
    train, test = histogram.containers
    assert tuple(bar.get_height() for bar in train) == overview.parts[0].class_counts
    assert tuple(bar.get_height() for bar in test) == overview.parts[1].class_counts
    ticks = [label.get_text() for label in histogram.get_xticklabels()]
    assert ticks[1] == "End of no pas… metric tons"
    assert len(ticks) == 43


def test_statistics_say_sizes_extremes_and_pixels():
    (table,) = shown_texts(image_set("signs", image_overview(3)).axes[1])
    header, train, _ = table.splitlines()
    assert header.split("   ")[0] == "part"
    assert " ".join(train.split()) == (
        "training 33 10 (class 0) 12 (class 2) 0.500 0.500 0.500 0.250 0.250 0.250"
    )


def test_title_tells_when_not_all_classes_are_shown():
    overview = image_overview(3, channels=1)
    title = image_set("digits", overview).get_suptitle()
    assert title == "digits: 3 classes of 6x8 grey images"
    fewer = ImageOverview(
        class_names=overview.class_names,
        shape=overview.shape,
        parts=overview.parts,
        examples=overview.examples[:2],
    )
    assert "3 classes (the 2 commonest are shown)" in image_set("digits", fewer).get_suptitle()


@pytest.fixture
def texts():
    return TextOverview(
        class_names=("bad", "good"),
        parts=(
            TextPart(name="training", class_counts=(3, 2), lengths=np.array([0, 10, 20, 30, 1000])),
            TextPart(name="test", class_counts=(1, 0), lengths=np.array([7])),
        ),
        samples=(("good", "costs $5 and $6\n\nnow " + "word " * 300), ("bad", "short")),
    )


def test_length_histogram_counts_all_texts(texts):
    lengths = text_set("reviews", texts).axes[0]
    labels = [text.get_text() for text in lengths.get_legend().get_texts()]
    assert labels == [
        "training: median 20, 95 % up to 805, longest 1000",
        "test: median 7, 95 % up to 7, longest 7",
    ]
    for patch in lengths.patches:  # the outlines; the heights add up to 100 %
        heights = patch.get_xy()[:, 1]
        assert heights[1:-1:2].sum() == pytest.approx(100)


def test_samples_are_cut_to_three_lines_and_drawn_as_they_are(texts):
    figure = text_set("reviews", texts)
    figure.draw_without_rendering()  # dollar signs are no formula
    (shown,) = shown_texts(figure.axes[2])
    long, short = shown.split("\n\n")
    assert long.startswith("[good]\ncosts $5 and $6 now word")
    assert len(long.splitlines()) == 4
    assert long.endswith(" …")
    assert short == "[bad]\nshort"
