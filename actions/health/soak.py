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
