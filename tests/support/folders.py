"""Folders that tests read from."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The project's."""
DATA = ROOT.parent / "shared" / "data"
"""Real measurements beside the project, where they are at hand."""
