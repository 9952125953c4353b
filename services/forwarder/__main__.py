"""``python -m services.forwarder {forward|files}``."""

from quantrac.io.role import main
from services.forwarder import wiring
from services.forwarder.files_wiring import files
from services.forwarder.reconcile_wiring import reconcile

if __name__ == "__main__":
    main("forwarder", {"forward": wiring.forward, "files": files, "reconcile": reconcile})
