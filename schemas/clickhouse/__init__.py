"""The ClickHouse tables: numbered SQL files, applied by ``quantrac migrate``."""

from importlib import resources


def migration_files() -> list[tuple[str, str]]:
    """Return (file name, SQL text) of every migration."""
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".sql"))
    return sorted((file.name, file.read_text(encoding="utf-8")) for file in files)
