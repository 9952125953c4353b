"""``python -m quantrac.cli`` is the ``quantrac`` command."""

from quantrac.cli import main

if __name__ == "__main__":
    main(prog_name="quantrac")
