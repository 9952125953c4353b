"""``python -m services.receiver {intake|parse|backlog}``."""

from quantrac.io.role import main
from services.receiver.wiring import backlog, intake, parse

if __name__ == "__main__":
    main("receiver", {"intake": intake, "parse": parse, "backlog": backlog})
