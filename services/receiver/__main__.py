"""``python -m services.receiver {intake|parse|backlog|deliveries}``."""

from quantrac.io.role import main
from services.receiver.wiring import backlog, deliveries, intake, parse

if __name__ == "__main__":
    main("receiver", {"intake": intake, "parse": parse, "backlog": backlog, "deliveries": deliveries})
