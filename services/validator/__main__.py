"""``python -m services.validator {validate|settle}``."""

from quantrac.io.role import main
from services.validator.wiring import settle, validate

if __name__ == "__main__":
    main("validator", {"validate": validate, "settle": settle})
