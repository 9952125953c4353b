"""What a data folder was made for, which it stays: the demo or not, and the tier."""

import json

from quantrac.local.configuration import FILE_NAME
from quantrac.local.datadir import DataDir, read_json
from quantrac.local.errors import LocalError


def remember_kind(data: DataDir, *, demo: bool, tier: str) -> None:
    """Write what a folder is made for; raises ``LocalError`` where it was made for something else."""
    file = data.root / "kind.json"
    if file.exists():
        kind = read_json(file)
        if kind["demo"] != demo:
            option = "without --demo" if demo else "with --demo"
            raise LocalError(
                f"The data folder {data.root} was made {option}; start it so, or give another folder."
            )
        if (made := kind.get("tier", "province")) != tier:  # folders of before say nothing
            raise LocalError(
                f"The data folder {data.root} was made with tier: {made}, and {FILE_NAME} says {tier}; a "
                "folder stays what it is: take the line back, or give another folder."
            )
    file.write_text(json.dumps({"demo": demo, "tier": tier}) + "\n")
