"""Facts of a rollback; gathered by `actions.releases.gather`, which steps use too."""

from actions.model.way_back import Choice, RollbackFacts, SlotFacts
from actions.releases.gather import gather

__all__ = ["Choice", "RollbackFacts", "SlotFacts", "gather"]
