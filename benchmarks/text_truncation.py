"""Which tokens of a long text to keep: its first, its last, or both ends.

    python benchmarks/text_truncation.py DATA_DIR [EPOCHS]

DATA_DIR holds imdb as its downloader lays it out. The default LSTM trains on IMDB's training part
for EPOCHS (3) with texts of up to 100 and 200 tokens, cut in three ways, otherwise alike; the
table shows the validation accuracy (5,000 reviews, 95 % interval about +-0.009) of each epoch.
A run takes half an hour on two CPU cores. What to expect is in docs/performance.md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.prepared_texts import TextSource, prepare_texts
from hpo_torch.data.requests import data_request
from hpo_torch.data.token_ids import TokenIds
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.models.build import build_network
from hpo_torch.search.lstm_space import lstm_space
from hpo_torch.training.devices import resolve_placement
from hpo_torch.training.evaluate import confusion_and_loss
from hpo_torch.training.optimizers import build_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable


def both_ends(texts: TokenIds, longest: int) -> TokenIds:
    """Return the texts as they are: `shorten` keeps both ends of them later."""
    return texts


def first(texts: TokenIds, longest: int) -> TokenIds:
    """Return the first tokens of each text."""
    return _cut(texts, longest, at_end=False)


def last(texts: TokenIds, longest: int) -> TokenIds:
    """Return the last tokens of each text."""
    return _cut(texts, longest, at_end=True)


WAYS: dict[str, Callable[[TokenIds, int], TokenIds]] = {
    "both ends": both_ends,
    "first": first,
    "last": last,
}


def _cut(texts: TokenIds, longest: int, *, at_end: bool) -> TokenIds:
    kept = [
        texts.ids[max(start, end - longest) : end] if at_end else texts.ids[start:end][:longest]
        for start, end in zip(texts.offsets[:-1].tolist(), texts.offsets[1:].tolist(), strict=True)
    ]
    lengths = torch.tensor([0, *map(len, kept)])
    return TokenIds(torch.cat(kept), lengths.cumsum(0))


def accuracies(source: TextSource, longest: int, epochs: int) -> list[float]:
    """Train the default network and return its validation accuracy after each epoch."""
    placement = resolve_placement("cpu", "auto")
    space = lstm_space(len(source.split.train), epochs, epochs)
    values = space.defaults({"sequence_length": longest})
    prepared = source.for_trial(values)
    torch.manual_seed(0)
    network = build_network("lstm", values, prepared.input_shape, prepared.num_classes)
    optimizer = build_optimizer(values, network.named_parameters())
    module = prepared.data_module(values, seed=0)
    train, validation = module.train_dataloader(), module.val_dataloader()
    found = []
    for epoch in range(epochs):
        train.sampler.set_epoch(epoch)
        network.train()
        for ids, labels in train:
            with placement.autocast():
                loss = functional.cross_entropy(network(ids), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        confusion, _ = confusion_and_loss(network, validation, prepared.num_classes)
        found.append(float(confusion.trace() / confusion.sum()))
    return found


def main() -> None:
    """Print one line for each way and length."""
    epochs = int((sys.argv[2:] or ["3"])[0])
    settings = DataSettings(dataset="imdb", dir=sys.argv[1])
    data = installed_registry().datasets.load("imdb").load(data_request(settings))
    source = prepare_texts(data, settings, 0, torch.device("cpu"))
    for longest in (100, 200):
        for name, cut in WAYS.items():
            whole = source.encoding
            cut_source = replace(source, encoding=replace(whole, train=cut(whole.train, longest)))
            found = accuracies(cut_source, longest, epochs)
            print(f"{longest} tokens, {name:<9}", *(f"{each:.4f}" for each in found), flush=True)


if __name__ == "__main__":
    main()
