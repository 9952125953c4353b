"""``python -m services.validator {validate|rejudge}``."""

from quantrac.io.role import main
from services.validator.wiring import rejudge, validate

if __name__ == "__main__":
    main("validator", {"validate": validate, "rejudge": rejudge})
