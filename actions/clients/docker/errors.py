"""What a Docker Engine may answer, as errors an operator can act on."""

from actions.model.errors import ExitCode, Unreachable, VqError


class EngineError(VqError):
    """The engine answered that it could not do it. `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Missing(EngineError):
    """404: no such container, image or network."""


class Conflict(EngineError):
    """409: the name is taken, or the object is in use."""


class Forbidden(EngineError):
    """401 or 403: the credentials, or a filtering proxy in front of the engine, do not allow this call."""

    code = ExitCode.UNREACHABLE


class Oversize(ValueError):
    """A body larger than a client reads; told to callers as TooLarge, or after a write as Ambiguous."""


class TooLarge(Unreachable):
    """The engine answers with more than is read; asking for less may help."""
