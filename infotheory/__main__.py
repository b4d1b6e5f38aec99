"""Run the command line as ``python -m infotheory``."""

from infotheory.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
