"""A memory of so many values and no more."""

from store.recent import Recent


def test_the_value_that_was_put_in_first_goes_where_there_are_too_many() -> None:
    recent: Recent[str, int] = Recent(2)

    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        recent.put(key, value)

    assert [recent.get(key) for key in "abc"] == [3, None, 4]
