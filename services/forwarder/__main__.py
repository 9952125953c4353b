"""``python -m services.forwarder forward``."""

from quantrac.io.role import main
from services.forwarder import wiring

if __name__ == "__main__":
    main("forwarder", {"forward": wiring.forward})
