"""``python -m services.validator validate``."""

from quantrac.io.role import main
from services.validator.wiring import validate

if __name__ == "__main__":
    main("validator", {"validate": validate})
