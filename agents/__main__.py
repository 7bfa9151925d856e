"""`python -m agents` is `rootline`, for where the console script is not on the path."""

from agents.cli import main

if __name__ == "__main__":
    main(prog_name="rootline")
