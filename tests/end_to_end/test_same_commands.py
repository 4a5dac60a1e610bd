"""The very same commands roll back every platform, and a second press never returns to the bad release."""

import pytest

from tests.end_to_end.stage import BAD, GOOD, Stage

pytestmark = pytest.mark.timeout(600)


def test_a_bad_release_is_rolled_back_and_stays_back(stage: Stage) -> None:
    stage.bad_release()
    standing = stage.json("status")
    assert standing["readiness"]["to"]["version"] == GOOD and standing["active"] is None
    assert [one["version"] for one in standing["services"] if one["service"] == "api"] == [BAD]
    ready = stage.json("readiness")
    assert ready["ready"], [one for one in ready["checks"] if one["gate"] != "pass"]
    planned = stage.json("rollback", "--plan", "--last-good")
    assert (planned["from"], planned["to"]) == (BAD, GOOD) and stage.reached() == BAD

    run = stage.roll_back("--last-good", "--reason", "errors after 2.4.1")
    assert (run["state"], run["from"], run["to"]) == ("succeeded", BAD, GOOD)
    assert {step["state"] for step in run["steps"]} == {"done"}
    assert [stage.reached() for _ in range(10)] == [GOOD] * 10

    history = stage.json("runs")
    assert [(one["state"], one["from"], one["to"], one["reason"]) for one in history["runs"]] == [
        ("succeeded", BAD, GOOD, "errors after 2.4.1")
    ]
    verdicts = {one["version"]: one["verdict"] for one in stage.json("releases")["releases"]}
    assert (verdicts[GOOD], verdicts[BAD]) == ("good", "bad")

    again = stage.roll_back("--last-good")
    assert (again["run"], again["created"], again["brought"], again["to"]) == (run["run"], False, True, GOOD)
    assert "marked bad" in stage.refused("rollback", "--to", BAD, "--yes", "--wait")
    assert stage.reached() == GOOD
    assert stage.json("runs")["total"] == 1
    assert stage.json("audit", "verify")["intact"]
