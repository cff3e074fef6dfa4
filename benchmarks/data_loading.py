"""Images and tokens a second that the loaders deliver, against torchvision and bare loops.

    python benchmarks/data_loading.py DATA_DIR [ROUNDS]

DATA_DIR holds mnist, gtsrb and imdb as their downloaders lay them out. Every contender delivers
shuffled, normalised float32 batches of 128 on the CPU, with one thread a process; contenders take
turns, ROUNDS times (7), and the table shows the median and the range. What to expect is in
docs/performance.md: at least 0.9 of the bare loop.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torchvision
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.augmentation import Augmentation
from hpo_torch.data.datamodule import ImageDataModule, prepare_images
from hpo_torch.data.prepared_texts import prepare_texts
from hpo_torch.data.requests import data_request
from hpo_torch.hooks.registry import installed_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hpo_torch.data.datamodule import PreparedImages

    # Delivers all its batches, and returns how many images or tokens they held.
    Contender = Callable[[], int]
    Pick = Callable[[Tensor, Tensor], Tensor]

BATCH_SIZE = 128
CPU = torch.device("cpu")
TORCHVISION_IMAGES = 6_000  # of a set: enough for a rate, and torchvision takes its time
EVERYTHING = Augmentation(shift=4, crop=0.3, cutout=0.25, colour=0.3)


def image_contenders(name: str, data_dir: Path) -> dict[str, Contender]:
    """Return the ways to go through the training part of an image set."""
    settings = DataSettings(dataset=name, dir=str(data_dir), download=False)
    data = installed_registry().datasets.load(name).load(data_request(settings))
    resident = prepare_images(data, settings, 0, CPU)
    stream = settings.model_copy(update={"memory_limit_gb": 0.0})
    streamed = prepare_images(data, stream, 0, CPU)
    train = resident.split.train
    images, labels = data.train_images[train], data.train_labels[train]
    return {
        "bare loop, images[positions]": bare_loop(images, labels, resident, Tensor.__getitem__),
        "bare loop, index_select": bare_loop(
            images, labels, resident, lambda tensor, positions: tensor.index_select(0, positions)
        ),
        "hpo-torch": loader_of(resident),
        "hpo-torch, streamed": loader_of(streamed),
        "hpo-torch, all augmentations": loader_of(resident, EVERYTHING),
        "torchvision, 0 workers": torchvision_loader(name, data_dir, resident, workers=0),
        "torchvision, 2 workers": torchvision_loader(name, data_dir, resident, workers=2),
    }


def bare_loop(images: Tensor, labels: Tensor, prepared: PreparedImages, pick: Pick) -> Contender:
    """Return the least code that does the same: pick bytes, convert, normalise."""
    mean, std = (torch.tensor(figures).view(-1, 1, 1) for figures in (prepared.mean, prepared.std))
    scale, shift = 1 / (255 * std), mean / std

    def go() -> int:
        delivered = 0
        for positions in torch.randperm(len(images)).split(BATCH_SIZE):
            batch = pick(images, positions).float().mul_(scale).sub_(shift)
            delivered += len(pick(labels, positions))
            del batch
        return delivered

    return go


def loader_of(prepared: PreparedImages, augmentation: Augmentation | None = None) -> Contender:
    """Return the product's training loader."""
    module = ImageDataModule(prepared, BATCH_SIZE, 0, augmentation)
    return lambda: sum(len(labels) for _, labels in module.train_dataloader())


def torchvision_loader(
    name: str, data_dir: Path, prepared: PreparedImages, *, workers: int
) -> Contender:
    """Return torchvision's data set behind a DataLoader; workers have started beforehand."""
    prepare = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(prepared.mean, prepared.std)]
    )
    root = data_dir / name
    whole: Any = (
        torchvision.datasets.MNIST(root, transform=prepare)
        if name == "mnist"
        else torchvision.datasets.GTSRB(root, transform=prepare)
    )
    part = Subset(whole, torch.randperm(len(whole))[:TORCHVISION_IMAGES].tolist())
    loader: DataLoader[Any] = DataLoader(
        part, BATCH_SIZE, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    return lambda: sum(len(labels) for _, labels in loader)


def text_contenders(data_dir: Path) -> dict[str, Contender]:
    """Return the ways to go through IMDB's training part, texts cut to 400 tokens."""
    settings = DataSettings(dataset="imdb", dir=str(data_dir), download=False)
    data: Any = installed_registry().datasets.load("imdb").load(data_request(settings))
    values = {"vocab_size": 10_000, "sequence_length": 400, "batch_size": BATCH_SIZE}
    prepared = prepare_texts(data, settings, 0, CPU).for_trial(values)
    module = prepared.data_module(values, 0)
    texts, labels = [], []
    for inputs, answers in module.train_dataloader():
        texts += [row[row != 0] for row in inputs]
        labels.append(answers)
    answers, tokens = torch.cat(labels), sum(map(len, texts))

    def bare() -> int:
        for positions in torch.randperm(len(texts)).split(BATCH_SIZE):
            torch.nn.utils.rnn.pad_sequence([texts[n] for n in positions.tolist()], True)
            _ = answers[positions]
        return tokens

    def ours() -> int:
        for _ in module.train_dataloader():
            pass
        return tokens

    return {"bare loop (pad_sequence)": bare, "hpo-torch": ours}


def interleaved(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return each contender's rates, thousands a second; the first round warms up."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, deliver in contenders.items():
            begin = time.perf_counter()
            delivered = deliver()
            if number:
                rates[name].append(delivered / (time.perf_counter() - begin) / 1e3)
    return rates


def table(rates: dict[str, list[float]]) -> Iterator[str]:
    """Yield a line for each contender; the share is of the first, by round."""
    first = next(iter(rates.values()))
    for name, measured in rates.items():
        shares = [rate / bare for rate, bare in zip(measured, first, strict=True)]
        low, high = min(measured), max(measured)
        yield (
            f"| {name} | {statistics.median(measured):,.0f} | {low:,.0f} - {high:,.0f} "
            f"| {statistics.median(shares):.2f} |"
        )


def main() -> None:
    """Measure and print Markdown tables."""
    torch.set_num_threads(1)
    data_dir = Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7  # noqa: PLR2004
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, torch "
        f"{torch.__version__}, torchvision {torchvision.__version__}, n = {rounds}"
    )
    for name, make, unit in (
        ("mnist", lambda: image_contenders("mnist", data_dir), "images"),
        ("gtsrb", lambda: image_contenders("gtsrb", data_dir), "images"),
        ("imdb", lambda: text_contenders(data_dir), "tokens"),
    ):
        print(f"\n| {name} | thousand {unit}/s | range | share of the bare loop |")
        print("| --- | ---: | ---: | ---: |")
        for line in table(interleaved(make(), rounds)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
