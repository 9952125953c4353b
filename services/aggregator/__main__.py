"""``python -m services.aggregator {sink|windows|watch|notify}``."""

from quantrac.io.role import main
from services.aggregator.wiring import notify, sink, watch, windows

if __name__ == "__main__":
    main("aggregator", {"sink": sink, "windows": windows, "watch": watch, "notify": notify})
