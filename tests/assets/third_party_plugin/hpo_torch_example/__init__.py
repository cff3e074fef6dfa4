"""An example plugin: a data set, a health metric, an execution backend, a command, an observer."""

from __future__ import annotations
