"""What can go wrong in a way that a user can act on."""


class LLMCoopError(Exception):
    """An error for the user: what happened, where, and what to do next.

    `exit_code` is the command's exit status for this kind of error.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(LLMCoopError):
    """The command, the spec file or an API call asks for something that does not exist or does not fit."""

    exit_code = 2


class ProgramError(LLMCoopError):
    """The program itself is the obstacle: it does not compile, crashes, is not deterministic or is too slow."""

    exit_code = 3


class ToolchainError(LLMCoopError):
    """A tool is missing, is of the wrong version, or failed in a way that is not the program's fault."""

    exit_code = 4
