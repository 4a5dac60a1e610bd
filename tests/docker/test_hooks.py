"""A plan names the hooks of the Compose files that a rollback does not run."""

from pathlib import Path

import pytest

from actions.platforms.compose.hooks import said_of, unrun_hooks

FILE = """name: shop
services:
  web:
    image: web
  "api":  # the one
    image: api
    # a comment
    post_start:
      - command: ["migrate"]
  worker:
    image: worker
volumes:
  api:
    external: true
"""


@pytest.mark.parametrize(("service", "expected"), [("api", 1), ("web", 0), ("worker", 0), ("volumes", 0), ("ap", 0)])
def test_only_the_service_that_has_them(service: str, expected: int) -> None:
    assert len(said_of([FILE], service)) == expected


@pytest.mark.parametrize(
    "shared", ["x-common: &common\n  post_start: [{command: a}]\nservices:\n  api:\n    <<: *common\n"]
)
def test_shared_definitions_are_named_as_a_possibility(shared: str) -> None:
    (said,) = said_of([shared], "api")
    assert " if " in said


def test_files_are_read_where_the_containers_name_them(tmp_path: Path) -> None:
    base, more = tmp_path / "compose.yaml", tmp_path / "more.yaml"
    base.write_text("services: {api: {image: a}}\n")
    more.write_text(FILE)
    label = "com.docker.compose.project.config_files"
    assert unrun_hooks({label: f"{base},{tmp_path / 'gone.yaml'},{tmp_path}"}, "api") == ()
    assert len(unrun_hooks({label: f"{base},{more}"}, "api")) == 1
