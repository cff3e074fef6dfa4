"""hpo-torch's own health metrics: one file each, offered like any other plugin's."""

from __future__ import annotations
