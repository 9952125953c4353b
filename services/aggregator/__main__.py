"""``python -m services.aggregator {sink|windows}``."""

from quantrac.io.role import main
from services.aggregator.wiring import sink, windows

if __name__ == "__main__":
    main("aggregator", {"sink": sink, "windows": windows})
