"""Releases as artefacts: what is changed or gone is noticed."""

from pathlib import Path

import pytest

from actions.model.errors import Refused, UnknownNameError
from actions.sandbox.release_files import GOOD_VERSIONS, read_release, write_release


def test_each_version_is_an_artefact_of_its_own(tmp_path: Path) -> None:
    ids = {write_release(tmp_path, version).manifest.artefact for version in GOOD_VERSIONS}
    assert len(ids) == len(GOOD_VERSIONS) and all(one.startswith("sha256:") for one in ids)
    assert write_release(tmp_path, "2.4.0") == read_release(tmp_path / "2.4.0")


def test_a_changed_artefact_is_refused(tmp_path: Path) -> None:
    release = write_release(tmp_path, "2.4.0")
    content = release.directory / release.manifest.behaviour
    content.write_text(content.read_text().replace("idempotent", "other"))
    with pytest.raises(Refused, match="does not match its artefact id"):
        read_release(release.directory)


@pytest.mark.parametrize("name", ["manifest.json", "behaviour.json"])
def test_a_half_removed_artefact_is_refused(tmp_path: Path, name: str) -> None:
    release = write_release(tmp_path, "2.4.0")
    (release.directory / name).unlink()
    with pytest.raises(Refused, match="is not on this host"):
        read_release(release.directory)


def test_an_unknown_version_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"2\.3\.8, 2\.3\.9"):
        write_release(tmp_path, "9.9.9")
