"""``python -m services.aggregator.notify.trial``: sends each target one message that only tries it."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from quantrac.domain.plain_text import escape
from quantrac.errors import UserError
from services.aggregator.notify.adapters.channels import open_channel
from services.aggregator.notify.config import load_targets
from services.aggregator.notify.messages import trial
from services.aggregator.notify.target import TargetAway, TargetRefused


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line a target; returns 0 when every one took its message."""
    parser = argparse.ArgumentParser(prog="quantrac notify test")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--target", default="")
    arguments = parser.parse_args(argv)
    try:
        targets = load_targets(arguments.config, os.environ)
    except UserError as error:
        sys.exit(f"quantrac: {escape(str(error))}")
    chosen = [target for target in targets if arguments.target in ("", target.name)]
    if not chosen:
        names = ", ".join(target.name for target in targets)
        sys.exit(f"quantrac: there is no target {arguments.target!r}; the file has {names}")
    failed = 0
    for target in chosen:
        channel = open_channel(target, os.environ)
        try:
            objection = channel.send(trial(target.name, target.language, datetime.now(UTC)))
            answer = f"taken, but: {objection}" if objection else "taken"
        except TargetRefused as error:
            answer, failed = f"refused: {error}", failed + 1
        except TargetAway as error:
            answer, failed = f"away: {error}", failed + 1
        finally:
            channel.close()
        # A target's answer may hold anything, and this is a person's terminal.
        print(escape(f"{target.name}: {answer}"), flush=True)  # noqa: T201 - a command's output
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
