"""Image data sets: handwritten digits, MNIST, Fashion-MNIST."""

from __future__ import annotations
