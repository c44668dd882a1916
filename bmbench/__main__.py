"""`python -m bmbench` is the `bmbench` command."""

from bmbench.cli import main

if __name__ == "__main__":
    main()
