"""Text data sets: IMDB, two forms of Reuters-21578, and the user's own tables."""

from __future__ import annotations
