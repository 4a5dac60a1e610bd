"""What the double knows of images: their digests, their behaviour, and which cannot be pulled."""

import hashlib
import json
import random
import uuid
from collections.abc import Callable

from tests.kubernetes.double.status import Json

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SALT = 79
"""With it the hashes of the recorded templates sort as the real ones do, and so do lists of what is named by them."""


def digest_of(image: str) -> str:
    """The digest of an image as the double's registry has it: derived from the name, stable over runs."""
    return "sha256:" + hashlib.sha256(image.encode()).hexdigest()


def version_of(image: str) -> str:
    """The tag, or the digest where there is no tag."""
    name, _, digest = image.partition("@")
    return name.rpartition("/")[2].partition(":")[2] or digest or "latest"


class Images:
    """A tag with `bad` never turns ready, one with `crash` keeps restarting; the rest is set by the test.

    `missing` cannot be pulled, `sick` stops being ready even where it runs, `digests` overrides a tag's digest.
    """

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.sick: set[str] = set()
        self.digests: dict[str, str] = {}
        self.image_id: Callable[[str], str] = self._image_id

    def _image_id(self, image: str) -> str:
        if "@" in image:
            return image
        return f"{image.rpartition(':')[0] or image}@{self.digests.get(image) or digest_of(image)}"

    def broken(self, image: str) -> bool:
        return "bad" in version_of(image)

    def crashes(self, image: str) -> bool:
        return "crash" in version_of(image)


class Names:
    """What no two servers have in common: hashes, suffixes, uids, and how often a watch is told its place at its end.

    A replay of a recording puts others here.
    """

    def __init__(self) -> None:
        self._random = random.Random(1)
        self.hash_of: Callable[[Json], str] = template_hash

    def suffix(self, head: str) -> str:
        """What follows `head` in a generated name."""
        return "".join(self._random.choice(ALPHABET) for _ in range(5))

    def uid(self, kind: str, name: str) -> str:
        """Of a new object."""
        return str(uuid.uuid4())

    def last_bookmarks(self) -> int:
        """A real server sends one about two seconds before a watch ends; twice where its timer of about a second, which
        goes by whole seconds, comes again before that moment.
        """
        return 1


def template_hash(template: Json) -> str:
    """Equal templates give equal hashes; another value than the real server's, which hashes a Go structure."""
    number = int(hashlib.sha256(f"{SALT}:{canonical(template)}".encode()).hexdigest()[:8], 16)
    return "".join(ALPHABET[int(digit) * 2] for digit in str(number))


def canonical(template: Json) -> str:
    """A template as sorted text without the labels that controllers put into it."""
    metadata = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != "pod-template-hash"}
    metadata = {key: value for key, value in metadata.items() if value and key != "labels"} | {"labels": labels}
    return json.dumps({"metadata": metadata, "spec": template.get("spec")}, sort_keys=True)
