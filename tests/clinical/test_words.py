"""The words of an alert are the same wherever they are listed."""

from clinical.words import ALERT_TIERS, FOUND_TIERS, PRIORITIES, SETTLED, STANDING, STATUSES, TIERS, Priority, Tier


def test_the_tiers_are_listed_from_the_gravest_as_they_are_ranked() -> None:
    assert list(TIERS) == [tier.word for tier in sorted(Tier, reverse=True)]
    assert TIERS[: len(FOUND_TIERS)] == FOUND_TIERS
    assert FOUND_TIERS[: len(ALERT_TIERS)] == ALERT_TIERS


def test_the_priorities_are_listed_from_the_most_urgent_as_they_are_ranked() -> None:
    assert list(PRIORITIES) == [priority.word for priority in sorted(Priority, reverse=True)]


def test_a_word_names_its_tier_and_its_priority() -> None:
    assert [Tier.named(word).word for word in TIERS] == list(TIERS)
    assert [Priority.named(word).word for word in PRIORITIES] == list(PRIORITIES)


def test_an_alert_stands_until_it_is_resolved() -> None:
    assert (*STANDING, "resolved") == STATUSES
    assert set(SETTLED) < set(STANDING)
