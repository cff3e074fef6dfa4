"""Image data sets: digits, MNIST, Fashion-MNIST, CIFAR, GTSRB, and the user's own folders."""

from __future__ import annotations
