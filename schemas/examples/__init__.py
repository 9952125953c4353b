"""One real payload a topic: validated against its message and put through its consumer's handler."""

from importlib import resources


def example(name: str) -> bytes:
    """Return the bytes of an example file."""
    return resources.files(__package__).joinpath(name).read_bytes()


def names() -> list[str]:
    """Return every example file."""
    files = (file.name for file in resources.files(__package__).iterdir())
    return sorted(name for name in files if name.endswith((".json", ".txt")))
