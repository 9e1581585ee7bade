"""The commands `llmcoop cc` and `llmcoop c++`, for help and for `python -m llmcoop`; builds need no Python for them."""

from __future__ import annotations

import os
from typing import NoReturn

import typer

from llmcoop import native

app = typer.Typer()

_AS_GIVEN = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@app.command("cc", context_settings=_AS_GIVEN, add_help_option=False)
def _cc(context: typer.Context) -> None:
    """Compile C with clang and the plugin: CC="llmcoop cc"."""
    _become("llmcoop-cc", context)


@app.command("c++", context_settings=_AS_GIVEN, add_help_option=False)
def _cxx(context: typer.Context) -> None:
    """Compile C++ with clang and the plugin: CXX="llmcoop c++"."""
    _become("llmcoop-c++", context)


def _become(compiler: str, context: typer.Context) -> NoReturn:
    os.execv(native.installed(compiler), [compiler, *context.args])
