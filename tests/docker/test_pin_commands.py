"""A standing pin is seen wherever somebody looks, and `pin lift` takes it away; on a project that Compose made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.ledger import open_writer
from actions.model.errors import ExitCode
from tests.conftest import Cli
from tests.docker.project import ComposeProject
from tests.docker.test_project import Driven
from tests.docker.test_upkeep import seed

pytestmark = pytest.mark.machine("docker")


@pytest.fixture
async def project(engine: Any, releases: dict[str, str], tmp_path: Path, undo: Path) -> Any:
    """Brought back to 1.0.0: the pin stands."""
    with ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=1) as one:
        driven = Driven(one)
        await driven.carry_out(await driven.plan("1.0.0"), undo)
        await driven.access.close()
        with open_writer(one.folder / "ledger") as ledger:
            seed(ledger, "1.0.0", releases["1.0.0"], days=0)
        yield one


@pytest.fixture
def ask(project: ComposeProject, cli: Cli) -> Iterator[Any]:
    def answer(*words: str, code: int = 0) -> Any:
        said = cli("--config", project.config, *words, "--json")
        assert said.code == code, (said.code, said.out, said.err)
        return said.json

    yield answer


LIFT = "vq-tui --env shop pin lift --service api"


def test_it_is_seen_everywhere_and_lifted_once(project: ComposeProject, ask: Any, cli: Cli) -> None:
    (pin,) = ask("pin", "show")["pins"]
    assert (pin["service"], pin["version"], pin["lift"], pin["read"]) == ("api", "1.0.0", LIFT, True)
    assert ask("status")["pins"][0]["lift"] == LIFT
    assert ask("readiness")["pins"][0]["lift"] == LIFT
    assert ask("releases")["pins"][0]["lift"] == LIFT
    assert ask("service", "api")["slots"][0]["facts"]["pin"]["lift"] == LIFT
    for words in (("status",), ("releases",)):
        assert LIFT in cli("--config", project.config, *words).out, words

    path = Path(pin["file"])
    before = path.read_text()
    assert ask("pin", "lift", "--plan")["plan"][0]["file"] == str(path)
    ask("--read-only", "pin", "lift", "--yes", code=int(ExitCode.READ_ONLY))
    ask("pin", "lift", code=int(ExitCode.USAGE))
    assert path.read_text() == before
    ids = project.ids()
    assert ask("pin", "lift", "--yes")["lifted"][0]["pin"]["version"] == "1.0.0"
    assert not path.exists() and project.ids() == ids
    assert ask("pin", "show")["pins"] == []
    assert any(one["kind"] == "pin" for one in ask("status")["changes"]), "who lifted it is written down"
    ask("pin", "lift", "--yes", code=int(ExitCode.REFUSED))


def test_a_pin_that_changed_since_it_was_shown_stays(project: ComposeProject, ask: Any) -> None:
    path = Path(ask("pin", "show")["pins"][0]["file"])
    path.write_text("services: {}\n")
    ask("pin", "lift", "--yes", code=int(ExitCode.REFUSED))
    assert path.read_text() == "services: {}\n"
    (note,) = [one for one in ask("readiness")["checks"] if one["id"] == "pin"]
    assert note["gate"] == "inconclusive" and "will not read the pin" in note["evidence"]
