"""How a file came, as far as that matters to whoever reads it later."""

IMPORT = "import"
"""Transport of a file that ``quantrac import`` brought in: history. It was measured long before it was
received, so that its age says nothing of a logger's clock, and it says nothing of what a station does now."""
