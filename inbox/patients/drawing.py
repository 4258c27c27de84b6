"""The picture of a patient: a chronology drawn as SVG, months on the left and the day of the start by the hour.

What was given is filled, what is planned is hatched, a window of risk is dotted and a thrombosis is a diamond, so no
colour is needed to read it. Every mark is a link to the field it was read from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from markupsafe import Markup

from history.chronology import AnticoagulantUse, Chronology, PlottedDose, PlottedInr, PlottedThrombosis
from inbox.http.notation import Notation
from rules.facts import Provenance

RISK = timedelta(days=14)  # after a dose; the greatest share of the thromboses that are published (docs/burden.md)
LONGEST = timedelta(days=430)  # that the months go back
AHEAD = timedelta(days=45)  # that they go on where no day is drawn by the hour
HOURS_BEFORE = timedelta(hours=2)
LETTER = 6.2  # pixels of one letter, roughly
BOLD_LETTER = 7.0
LONGEST_LABEL = 72  # letters beside a mark
LOW, HIGH = 0.5, 4.5  # the INR that the lane holds
NORMAL = (2.0, 3.0)


@dataclass(frozen=True, slots=True)
class Start:
    """The dose that an alert is about: when it starts, how long it would run, and how long the advice says."""

    at: datetime
    ordered: timedelta | None = None
    advised: timedelta | None = None

    @property
    def ends(self) -> datetime:
        """When the longer of the two would end."""
        return self.at + max(self.ordered or timedelta(hours=4), self.advised or timedelta(0))


@dataclass(frozen=True, slots=True)
class Panel:
    """A stretch of time and the pixels it is drawn on."""

    begins: datetime
    ends: datetime
    left: float
    right: float

    def x(self, at: datetime) -> float:
        """Return where a moment stands, at the edge when it lies outside."""
        share = (at - self.begins) / (self.ends - self.begins)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def holds(self, at: datetime) -> bool:
        """Return whether a moment lies within."""
        return self.begins <= at <= self.ends

    def span(self, begins: datetime, ends: datetime) -> tuple[float, float] | None:
        """Return from where to where a stretch is drawn; None when nothing of it is."""
        if ends < self.begins or begins > self.ends:
            return None
        return self.x(begins), self.x(ends)


@dataclass(frozen=True, slots=True)
class Plot:
    """What one drawing is made with: its panels and the lanes, top to bottom."""

    months: Panel
    day: Panel | None
    notation: Notation
    now: datetime
    start: Start | None
    has_inr: bool
    narrow: bool

    @property
    def ivig(self) -> int:
        """The foot of the doses; the other lanes likewise stand at a height of their own."""
        return 86 if self.narrow else 66

    @property
    def clot(self) -> int:
        """The middle of the thromboses."""
        return self.ivig + (38 if self.narrow else 20)

    @property
    def cover(self) -> int:
        """The top of the anticoagulants."""
        return self.clot + (52 if self.narrow else 32)

    @property
    def inr(self) -> int:
        """The middle of the INR lane."""
        return self.cover + (46 if self.narrow else 36)

    @property
    def foot(self) -> int:
        """What stands below the lanes: the hours of the day, where one is drawn."""
        return 18 if self.day else 2

    @property
    def height(self) -> int:
        """The height of it all."""
        return (self.inr + 18 if self.has_inr else self.cover + 16) + self.foot - (0 if self.narrow else 2)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Both panels, or the one."""
        return (self.months, self.day) if self.day else (self.months,)


LABELS = 104  # how wide the names of the lanes are beside them


def drawings(chronology: Chronology, notation: Notation, now: datetime, start: Start | None = None) -> Markup:
    """Draw the picture twice, for a wide screen and for a narrow one; "" when there is nothing to show."""
    if chronology.is_empty:
        return Markup()
    return draw(chronology, notation, now, start, narrow=False) + draw(chronology, notation, now, start, narrow=True)


def draw(
    chronology: Chronology, notation: Notation, now: datetime, start: Start | None = None, *, narrow: bool
) -> Markup:
    """Draw one picture."""
    plot = _plot(chronology, notation, now, start, narrow=narrow)
    words = notation.words
    width = 366 if narrow else 1184
    parts = [
        *_grid(plot),
        *_lanes(plot),
        *_risks(plot, chronology.doses),
        *_doses(plot, chronology.doses),
        *_thromboses(plot, chronology.thromboses),
        *_uses(plot, chronology.uses),
        *(_inr(plot, chronology.readings) if plot.has_inr else ()),
        *_lines(plot),
    ]
    opening = Markup('<svg class="tl {}" viewBox="0 0 {} {}" role="group" aria-label="{}">').format(
        "narrow" if narrow else "wide", width, plot.height, words("picture.title")
    )
    return opening + Markup("").join(parts) + Markup("</svg>")


def _plot(chronology: Chronology, notation: Notation, now: datetime, start: Start | None, *, narrow: bool) -> Plot:
    near = start if start is not None and abs(start.at - now) <= timedelta(hours=24) else None
    dated = [
        *(dose.at for dose in chronology.doses),
        *(event.at for event in chronology.thromboses if event.at),
        *(use.begins for use in chronology.uses if use.begins),
        *(reading.at for reading in chronology.readings),
    ]
    first = min((at for at in dated if at >= now - LONGEST), default=now - timedelta(days=60))
    begins = min(first, now - timedelta(days=60)) - timedelta(days=10)
    left, right, gap = (2, 366, 12) if narrow else (LABELS, 1184, 28)
    if near is None:
        ahead = [at for at in dated if now < at <= now + AHEAD] + ([start.at] if start else [])
        ends = min(max([*ahead, now]) + timedelta(days=15), now + AHEAD + timedelta(days=15))
        months, day = Panel(begins, ends, left, right - 4), None
    else:
        middle = right * 0.53 if narrow else right * 0.65
        months = Panel(begins, now, left, middle)
        opens = (min(now, near.at) - HOURS_BEFORE).replace(minute=0, second=0, microsecond=0)
        day = Panel(opens, max(near.ends, now, near.at) + timedelta(hours=1), middle + gap, right - 4)
    has_inr = bool(chronology.readings)
    return Plot(months, day, notation, now, start, has_inr, narrow)


def _grid(plot: Plot) -> Iterable[Markup]:
    """Draw the months, and the hours of the day."""
    bottom = plot.height - plot.foot - 2
    if plot.day:
        yield Markup('<rect class="zoom" x="{:.1f}" y="0" width="{:.1f}" height="{}" rx="4"/>').format(
            plot.day.left - 6, plot.day.right - plot.day.left + 10, plot.height
        )
    zone = plot.notation.zone
    local = plot.months.begins.astimezone(zone)
    month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last, wide_enough = -100.0, 34.0 if plot.narrow else 46.0
    while (month := _next_month(month)) <= plot.months.ends:
        x = plot.months.x(month)
        yield Markup('<path class="grid" d="M{:.1f} 20V{}"/>').format(x, bottom)
        name = plot.notation.month(month.month)
        name = f"{name} {month.year}" if month.month == 1 and not plot.narrow else name
        if x - last >= wide_enough and x + len(name) * LETTER < plot.months.right:
            yield _text(x + 3, 12, name)
            last = x
    if plot.day:
        step = max(1, round((plot.day.ends - plot.day.begins) / timedelta(hours=4 if plot.narrow else 8)))
        hour = plot.day.begins
        while (hour := hour + timedelta(hours=step)) < plot.day.ends:
            x = plot.day.x(hour)
            yield Markup('<path class="grid" d="M{:.1f} 20V{}"/>').format(x, bottom)
            yield _text(x, plot.height - 5, str(hour.astimezone(zone).hour), "mid b")


def _next_month(month: datetime) -> datetime:
    return (month + timedelta(days=32)).replace(day=1)


def _lanes(plot: Plot) -> Iterable[Markup]:
    """Draw the names of the lanes and their lines."""
    words = plot.notation.words
    lift = 21 if plot.narrow else 0
    lanes = [
        ("ivig", plot.ivig - 17 - lift - lift // 2),
        ("thrombosis", plot.clot + 4 - lift),
        ("cover", plot.cover + 4 - lift),
    ]
    lanes += [("inr", plot.inr + 4 - lift)] if plot.has_inr else []
    for name, y in lanes:
        yield _text(2 if plot.narrow else 0, y, words(f"picture.lane.{name}"), "lbl")
    for panel in plot.panels:
        yield Markup('<path class="base" d="M{:.1f} {}H{:.1f}"/>').format(panel.left, plot.ivig, panel.right)


def _risks(plot: Plot, doses: Sequence[PlottedDose]) -> Iterable[Markup]:
    """Draw the window of risk after each dose, windows that meet as one."""
    windows: list[tuple[datetime, datetime]] = []
    for dose in doses:
        if not dose.given and dose.at < plot.now - timedelta(days=1):
            continue  # planned long ago and never reported as given
        if windows and dose.at <= windows[-1][1]:
            windows[-1] = (windows[-1][0], dose.at + RISK)
        else:
            windows.append((dose.at, dose.at + RISK))
    for begins, ends in windows:
        for panel in plot.panels:
            if span := panel.span(begins, ends):
                yield Markup('<rect class="risk" x="{:.1f}" y="{}" width="{:.1f}" height="24"/>').format(
                    span[0], plot.clot - 12, max(span[1] - span[0], 1)
                )


def _doses(plot: Plot, doses: Sequence[PlottedDose]) -> Iterable[Markup]:
    words, notation = plot.notation.words, plot.notation
    most = max((dose.grams or 0 for dose in doses), default=0) or 1
    wide = 4 if plot.narrow else 8
    following = [*(plot.months.x(dose.at) for dose in doses[1:]), plot.months.right + 100]
    for dose, next_x in zip(doses, following, strict=False):
        grams = notation.figure(dose.grams, "g") if dose.grams else ""
        name = words("picture.given" if dose.given else "picture.planned", dose=grams or words("unknown"))
        name = f"{name}, {notation.moment(dose.at)}"
        if plot.months.holds(dose.at):
            height = 12 + 14 * (dose.grams or most) / most
            x = plot.months.x(dose.at) - wide / 2
            shape = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
                "given" if dose.given else "planned", x, plot.ivig - height, wide, height
            )
            yield _link(dose.source, name, shape, x + wide / 2, plot.ivig - 13)
            if grams and dose.given and next_x - x > len(grams) * LETTER + wide + 6:
                yield _text(x + wide + 3, plot.ivig - 14, grams, "lbl")
        if plot.day and not _is_of_start(plot, dose) and (span := plot.day.span(dose.at, dose.until)):
            shape = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="16" rx="2"/>').format(
                "given" if dose.given else "planned", span[0], plot.ivig - 40, max(span[1] - span[0], 4)
            )
            yield _link(dose.source, name, shape, span[0] + 8, plot.ivig - 32)
    yield from _start(plot, doses)


def _is_of_start(plot: Plot, dose: PlottedDose) -> bool:
    return plot.start is not None and not dose.given and abs(dose.at - plot.start.at) < timedelta(hours=1)


def _start(plot: Plot, doses: Sequence[PlottedDose]) -> Iterable[Markup]:
    """Draw in the day how long the order would run, and how long the advice says."""
    if plot.day is None or plot.start is None:
        return
    words, notation = plot.notation.words, plot.notation
    source = next((dose.source for dose in doses if _is_of_start(plot, dose)), None)
    for lasts, css, word, top in (
        (plot.start.ordered, "planned", "picture.ordered", plot.ivig - 40),
        (plot.start.advised, "advised", "picture.advised", plot.ivig - 20),
    ):
        if lasts is None:
            continue
        begins, ends = plot.day.x(plot.start.at), plot.day.x(plot.start.at + lasts)
        name = words(word, span=notation.lasting(round(lasts.total_seconds() / 60)))
        shape = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="16" rx="2"/>').format(
            css, begins, top, max(ends - begins, 4)
        )
        yield _link(source, name, shape, begins + 12, top + 8)
        if not plot.narrow:
            inside = ends + 6 + len(name) * LETTER > plot.day.right
            yield _text(begins + 8 if inside else ends + 6, top + 12, name, "b lbl")


def _thromboses(plot: Plot, events: Sequence[PlottedThrombosis]) -> Iterable[Markup]:
    notation, words = plot.notation, plot.notation.words
    busy = -1.0
    for event in events:
        if event.at is None or event.at > plot.months.ends:
            continue
        when = notation.known(event.at, "day" if event.precision == "second" else event.precision)
        after = words_after(notation, event.days_after)
        name = ", ".join(part for part in (event.name, when, after) if part)
        if event.is_suspected:
            name = f"{name} ({words.code('certainty', 'suspected')})"
        x = max(plot.months.x(event.at), plot.months.left + 8)
        shape = Markup('<path class="clot{}" d="M{:.1f} {}l8 8-8 8-8-8z"/>').format(
            " doubt" if event.is_suspected else "", x, plot.clot - 8
        )
        yield _link(event.source, name, shape, x, plot.clot)
        label = f"{event.at.astimezone(notation.zone).day} {notation.month(event.at.astimezone(notation.zone).month)}"
        text = label if plot.narrow or len(name) > LONGEST_LABEL else name
        if x > busy:
            before = x + 12 + len(text) * LETTER > plot.months.right
            text = label if before and x - 12 - len(text) * BOLD_LETTER < busy else text
            yield _text(x - 12 if before else x + 12, plot.clot + 4, text, "red fin" if before else "red")
            busy = x + 24 + (0 if before else len(text) * LETTER)


def words_after(notation: Notation, days: int | None) -> str:
    """Say how long after a dose: `on the day of IVIg`, `10 days after IVIg`."""
    if days is None:
        return ""
    return notation.words.count("picture.after", days) if days else notation.words("picture.same_day")


def _uses(plot: Plot, uses: Sequence[AnticoagulantUse]) -> Iterable[Markup]:
    words = plot.notation.words
    first = min((use.begins or plot.months.begins for use in uses), default=plot.now)
    for panel in plot.panels:
        if first > panel.begins:
            until = panel.x(min(first, plot.now if panel is plot.months else panel.ends))
            yield Markup('<path class="none" d="M{:.1f} {}H{:.1f}"/>').format(panel.left, plot.cover, until)
    none = words("picture.none")
    if plot.months.x(first) - plot.months.left > len(none) * LETTER + 4:
        yield _text(plot.months.left + 2, plot.cover - 4, none, "lbl")
    busy = -1.0
    for use in uses:
        begins = use.begins or plot.months.begins
        brief = _brief(use.name)
        since = plot.notation.day(use.begins.astimezone(plot.notation.zone).date()) if use.begins else ""
        name = ", ".join(part for part in (words_of_use(plot.notation, use), since) if part)
        for panel in plot.panels:
            still = panel.ends if panel is plot.day else max(plot.now, begins)
            span = panel.span(begins, use.ends or (begins if use.end_is_unknown else still))
            if span is None:
                continue
            shape = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="9" rx="1"/>').format(
                "cover" if use.strength == "therapeutic" else "weak", span[0], plot.cover - 1, max(span[1] - span[0], 3)
            )
            yield _link(use.source, name, shape, span[0] + 12, plot.cover + 3)
            if panel is plot.months and span[0] > busy and span[0] + len(brief) * LETTER < panel.right:
                yield _text(span[0] + 2, plot.cover - 5, brief, "lbl")
                busy = span[0] + len(brief) * LETTER + 8


def words_of_use(notation: Notation, use: AnticoagulantUse) -> str:
    """Name one anticoagulant and how strong it is."""
    ended = notation.words("picture.end_unknown") if use.end_is_unknown else ""
    strength = notation.words(f"picture.strength.{use.strength}")
    return ", ".join(part for part in (_brief(use.name), strength, ended) if part)


def _brief(name: str) -> str:
    """Write a medicine as people do: the first word of a product name in capitals."""
    first = name.partition(" ")[0]
    return first.lower() if first.isupper() and len(first) > 3 else name


def _inr(plot: Plot, readings: Sequence[PlottedInr]) -> Iterable[Markup]:
    def y(value: float) -> float:
        return plot.inr + 14 - 28 * (min(max(value, LOW), HIGH) - LOW) / (HIGH - LOW)

    for panel in plot.panels:
        yield Markup('<rect class="target" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            panel.left, y(NORMAL[1]), panel.right - panel.left, y(NORMAL[0]) - y(NORMAL[1])
        )
    shown = [(plot.months.x(each.at), y(each.value), each) for each in readings if plot.months.holds(each.at)]
    if len(shown) > 1:
        yield Markup('<path class="inr-line" d="M{}"/>').format("L".join(f"{x:.1f} {at:.1f}" for x, at, _ in shown))
    for x, at, each in shown:
        value = plot.notation.figure(each.value)
        name = words_of_inr(plot.notation, each)
        shape = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(
            "inr-low" if each.is_low else "inr", x, at, 4 if each.is_low else 3
        )
        yield _link(each.source, name, shape, x, at)
        if each.is_low:
            yield _text(x - 8, at + 4, value, "lbl fin")


def words_of_inr(notation: Notation, reading: PlottedInr) -> str:
    """Name one INR and its day."""
    return f"INR {notation.figure(reading.value)}, {notation.moment(reading.at)}"


def _lines(plot: Plot) -> Iterable[Markup]:
    """Draw now and the start."""
    words, notation = plot.notation.words, plot.notation
    bottom = plot.height - plot.foot - 2
    panel = plot.day or plot.months
    now = panel.x(plot.now)
    yield Markup('<path class="now" d="M{:.1f} 0V{}"/>').format(now, bottom)
    label = words("picture.now", at=notation.clock(plot.now)) if plot.day else words("today")
    wide = len(label) * BOLD_LETTER + 12
    box = now - wide if now - wide > panel.left or not plot.day else now
    yield Markup('<rect class="flagbox" x="{:.1f}" y="0" width="{:.1f}" height="17" rx="2"/>').format(box, wide)
    yield _text(box + wide / 2, 12.5, label, "flagtext mid")
    if plot.start is not None and panel.holds(plot.start.at):
        x = panel.x(plot.start.at)
        yield Markup('<path class="start" d="M{:.1f} 4V{}"/>').format(x, bottom)
        text = words("picture.start", at=notation.clock(plot.start.at) if plot.day else notation.on(plot.start.at))
        if x > now or x + len(text) * LETTER < now - wide:
            yield _text(x + 4, 30 if box <= x + 4 <= box + wide else 12.5, text, "red b")
        elif x - len(text) * BOLD_LETTER > panel.left:
            yield _text(x - 4, 30, text, "red fin")


def _text(x: float, y: float, text: str, css: str = "") -> Markup:
    return Markup('<text{} x="{:.1f}" y="{:.1f}">{}</text>').format(
        Markup(' class="{}"').format(css) if css else "", x, y, text
    )


def _link(source: Provenance | None, name: str, shape: Markup, x: float, y: float) -> Markup:
    """Make a mark of the picture a link to where it was read, large enough to be hit also where it is scaled down."""
    hit = Markup('<rect class="hit" x="{:.1f}" y="{:.1f}" width="33" height="33"/>').format(x - 16.5, y - 16.5)
    inside = Markup("<title>{}</title>{}{}").format(name, hit, shape)
    if source is None:
        return Markup("<g>{}</g>").format(inside)
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(address_of(source), name, inside)


def address_of(source: Provenance) -> str:
    """Return the page of the field that something was read from."""
    return f"/messages/{source.message}?path={quote(source.path)}#marked"
