"""A trained model put to use: loaded, asked, scored on other data, exported."""

from __future__ import annotations
