"""``python -m services.api serve``."""

from quantrac.io.role import main
from services.api.wiring import serve

if __name__ == "__main__":
    main("api", {"serve": serve})
