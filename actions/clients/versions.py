"""Which version a service says it is."""

from actions.clients.http_answer import Answer
from actions.model.services import HttpService
from actions.model.text import clean


def version_of(answer: Answer, service: HttpService, *, body: bool = True) -> str | None:
    """The version that answered, by header or, unless told otherwise, by field of the body; None when not said."""
    if not answer.reached:
        return None
    named = answer.header(service.version_header)
    if named is None and body:
        content = answer.json()
        value = content.get(service.version_field) if isinstance(content, dict) else None
        named = value if isinstance(value, str) else None
    return clean(named, limit=100) if named else None
