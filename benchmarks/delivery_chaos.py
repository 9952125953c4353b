"""What kills of forwarder, ministry's door and broker, and a bad way between them, do to deliveries.

    python benchmarks/delivery_chaos.py [--sets 100000] [--stations 200] [--pace 500] [--kills 50] [--seed 1]

The machinery is that of ``tests/integration/test_deliveries_chaos.py``, which tests the same promise with
fewer sets: nothing missing, nothing double, every receipt verifies. The exit status is 1 where it is broken.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.delivery_chaos import run_chaos


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=100_000)
    parser.add_argument("--stations", type=int, default=200)
    parser.add_argument("--pace", type=float, default=500.0, help="sets a second that are written")
    parser.add_argument("--kills", type=int, default=50, help="how many times something is killed, roughly")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="an empty folder, where topics and logs are left")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)  # that the broker is away, clients need not tell
    with tempfile.TemporaryDirectory() as temporary:
        outcome = run_chaos(
            options.folder or Path(temporary),
            sets=options.sets,
            stations=options.stations,
            sets_a_second=options.pace,
            kills=options.kills,
            seed=options.seed,
        )
    print(outcome)
    sys.exit(not outcome.is_clean)


if __name__ == "__main__":
    main()
