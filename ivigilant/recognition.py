"""Which feed a message belongs to: the most specific one in the site file that matches its source."""

from collections.abc import Callable
from ipaddress import ip_address

from history.messages import is_imported
from ivigilant.site import FeedSection, SiteFile
from ivigilant.site_choices import reading_defaults
from listener.feeds import FeedProfile, Origin
from parsers.hl7.message_types import READ

MOST_UNKNOWN = 500  # sources distinguished by their names; more than this means that names are made up
UNKNOWN = "unknown"
READ_TYPES = frozenset(f"{type_}^{event}" for type_, event in READ)

IdOf = Callable[[str], int]


class Recognition:
    """Finds the feed of a source; a source that matches none is a feed of its own, read with the site's defaults."""

    def __init__(self, site: SiteFile, id_of: IdOf) -> None:
        self._site = site
        self._id_of = id_of
        self._declared = {feed.name: _declared(site, feed, id_of(feed.name)) for feed in site.feeds}
        self._undeclared: dict[str, FeedProfile] = {}

    def __call__(self, source: Origin) -> FeedProfile:
        """Return the feed."""
        fitting = [feed for feed in self._site.feeds if fits(feed, source)]
        if fitting:
            return self._declared[max(fitting, key=particularity).name]  # the first of those that are equally specific
        return self._of_its_own(source)

    def _of_its_own(self, source: Origin) -> FeedProfile:
        name = f"{source.sending_application}|{source.sending_facility}"
        if name == "|":  # nothing of the link has been read yet, or it cannot be
            name = UNKNOWN
        if name not in self._undeclared and len(self._undeclared) >= MOST_UNKNOWN:
            name = UNKNOWN
        if name not in self._undeclared:
            self._undeclared[name] = FeedProfile(
                id=self._id_of(name),
                name=name,
                known=not self._site.feeds,  # in a site file without feeds every source counts as known
                declared=False,
                parks=self._site.unknown_sources == "park",
                defaults=reading_defaults(self._site, self._site),
            )
        return self._undeclared[name]


def fits(feed: FeedSection, source: Origin) -> bool:
    """Return whether the source matches everything that the feed is recognised by."""
    return (
        not is_imported(feed.name)
        and feed.port in (None, source.port)
        and feed.sending_application in (None, source.sending_application)
        and feed.sending_facility in (None, source.sending_facility)
        and (feed.certificate is None or feed.certificate in source.certificate)
        and (feed.address is None or ip_address(source.address) in feed.address)
    )


def particularity(feed: FeedSection) -> int:
    """Return how many properties the feed is recognised by."""
    named = (feed.port, feed.address, feed.certificate, feed.sending_application, feed.sending_facility)
    return sum(each is not None for each in named)


def _declared(site: SiteFile, feed: FeedSection, number: int) -> FeedProfile:
    return FeedProfile(
        id=number,
        name=feed.name,
        defaults=reading_defaults(site, feed),
        ack_mode=feed.ack_mode,
        answered_later=feed.app_ack_route is not None,
        processing_ids=frozenset(feed.processing_ids),
        types=READ_TYPES if feed.unknown_types == "reject" else None,
        batch_ack=feed.batch_ack,
        accepts_unframed=feed.accept_unframed,
    )
