"""What travels between the study and a trial: plain JSON both ways."""

from __future__ import annotations
