"""`python -m llmcoop` is the command `llmcoop`."""

from llmcoop.cli import main

main()
