"""How somebody likes the pages: the theme, a sound, and the filters of the list that were saved under a name."""

from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from store.tables import user

Theme = Literal["system", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
MOST_VIEWS = 9  # each has a digit on the keyboard
LONGEST = 40  # letters of the name of a view
LONGEST_QUERY = 500


class SavedView(msgspec.Struct, frozen=True):
    """A filter of the list under a name; its query holds wards and tiers, never a patient."""

    name: str
    query: str


class Preferences(msgspec.Struct, frozen=True):
    """What somebody chose; it holds on every machine."""

    theme: Theme = "system"
    sound: bool = False
    views: tuple[SavedView, ...] = ()

    def with_view(self, view: SavedView) -> "Preferences":
        """Return them with a view more; one of the same name is replaced, and the tenth is not added."""
        names = [each.name for each in self.views]
        if view.name in names:
            views = tuple(view if each.name == view.name else each for each in self.views)
        else:
            views = (*self.views, view)[:MOST_VIEWS]
        return msgspec.structs.replace(self, views=views)

    def without_view(self, name: str) -> "Preferences":
        """Return them without the view of this name."""
        return msgspec.structs.replace(self, views=tuple(each for each in self.views if each.name != name))


DEFAULT = Preferences()


def read_preferences(stored: object) -> Preferences:
    """Read what is stored; what cannot be read, as of a later version, is as if nothing was chosen."""
    try:
        return msgspec.convert(stored or {}, Preferences)
    except msgspec.ValidationError:
        return DEFAULT


def keep(connection: sa.Connection, user_id: int, chosen: Preferences) -> None:
    """Remember what somebody chose."""
    row = msgspec.to_builtins(chosen)
    connection.execute(sa.update(user).where(user.c.id == user_id).values(preferences=row))
