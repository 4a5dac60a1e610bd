"""How far a release is on its way to 'good', in words. Pure."""

from actions.model.environment import Policy
from actions.model.plan import Release


def soak_progress(release: Release, policy: Policy) -> str:
    """How far a release is on its way to 'good', and what is missing: seconds, healthy samples, or both."""
    seconds, wanted = release.soaked_seconds, policy.soak_seconds
    text = f"soaked {seconds:.0f} s of {wanted:.0f} s" if seconds < wanted else f"soaked {seconds:.0f} s"
    missing = policy.soak_samples - release.samples
    if missing <= 0:
        return text
    return f"{text} but only {release.samples} of {policy.soak_samples} healthy samples, {missing} are missing"


def soaked(seconds: float) -> str:
    """ "good, soaked 9 d" """
    return f"good, soaked {span(seconds)}"


def span(seconds: float) -> str:
    """A duration in the largest whole unit that fits: 40 s, 12 min, 3 h, 9 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 86_400 and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
