"""The embedded stack's router as a traffic driver: steered by generation, believed only from outside."""

from actions.model.errors import UnknownNameError
from actions.model.services import HttpService
from actions.model.workloads import RouterTraffic
from actions.platforms.access import Place
from actions.platforms.router.change import RouterChanger
from actions.platforms.router.observe import ASK_SECONDS, PROOF_SECONDS, Outside
from actions.platforms.router.reading import RouterTrafficReader


def traffic_reader(settings: RouterTraffic, place: Place) -> RouterTrafficReader:
    """The reading half."""
    return RouterTrafficReader(settings, place.slots, _outside(place))


def traffic_changer(settings: RouterTraffic, place: Place) -> RouterChanger:
    """The writing half."""
    return RouterChanger(settings, _outside(place, PROOF_SECONDS))


def _outside(place: Place, seconds: float = ASK_SECONDS) -> Outside:
    service = place.settings.services[place.service]
    if not isinstance(service, HttpService):
        raise UnknownNameError(f"service '{place.service}' is no HTTP service; a router only carries those")
    return Outside(service, seconds)
