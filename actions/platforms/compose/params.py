"""What the changes of this driver are bound to; the parameters of a `Change`, checked when they are read back."""

from pydantic import JsonValue

from actions.model.base import Fact
from actions.model.platform import Change

RECREATE = "recreate"
SEVERAL = "recreate-several"
PIN = "pin"


class Recreate(Fact):
    """One container made again from another image. Ids are whole; `members` are all containers of the service.

    `started_at` is None where it cannot be pinned, because the container keeps restarting. `policy` is the restart
    policy to give back on the way back. `image_name` is what people call the image. `sole` says that it is the only
    replica, so that the service's own address proves it. `same_words`: the service names itself as the platform names
    its image; `word` is what this release is known to call itself. `labels` are Compose's own that must change.
    `project` and `service` are Compose's labels, empty where Compose did not make it; `places` the names of all
    containers that the plan replaces. `keep_image`: its file system is kept as an image before it goes. `half_made` is
    the id of what another run made for this place and never started.
    """

    old: str
    name: str
    old_image: str
    image: str
    version: str
    image_name: str
    started_at: str | None
    running: bool
    policy: dict[str, JsonValue]
    stop_seconds: float
    members: tuple[str, ...]
    sole: bool
    same_words: bool
    word: str | None = None
    labels: dict[str, str] = {}
    project: str = ""
    service: str = ""
    places: tuple[str, ...] = ()
    keep_image: bool = False
    half_made: str = ""

    @property
    def composed(self) -> bool:
        """Whether Compose takes any container of these labels for a replica, whatever its name and state."""
        return bool(self.project)


class Several(Fact):
    """Containers that are made again at the same time."""

    members: tuple[Recreate, ...]


def replicas_of(change: Change) -> tuple[Recreate, ...]:
    """The containers that a change makes again."""
    if change.action == SEVERAL:
        return Several.model_validate(change.params).members
    return (Recreate.model_validate(change.params),)


class Question(Fact):
    """What Compose is asked: the hash of a service with the files that `up` reads now, and with `content` as the pin.

    `present` are the hashes that the containers carry; `known` fingerprints whatever else an answer depends on.
    """

    directory: str
    project: str
    version: str
    read: tuple[str, ...]
    environment: tuple[str, ...] = ()
    pin: str
    content: str
    present: str
    known: tuple[str, ...]


class Pin(Fact):
    """A file that makes Compose resolve a service to the image it was brought back to.

    `before` is the sha256 of the file's present content, None where there is none; `files` the sha256 of every Compose
    file that the plan read. `risks` are what stays open all the same. `question` is set when Compose was too slow for
    planning: it is waited for before the pin is written.
    """

    path: str
    content: str
    before: str | None
    files: dict[str, str]
    risks: tuple[str, ...] = ()
    question: Question | None = None
