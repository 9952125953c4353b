"""``python -m services.receiver {intake|parse}``."""

from quantrac.io.role import main
from services.receiver.wiring import intake, parse

if __name__ == "__main__":
    main("receiver", {"intake": intake, "parse": parse})
