"""`python -m agents` is `webcare`."""

from agents.cli import main

main()
