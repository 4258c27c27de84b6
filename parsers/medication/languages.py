"""The words for amounts, times and days in other languages, each with its English or Dutch word.

German, French, Spanish, Italian, Portuguese, Swedish, Danish and Norwegian, Finnish, Polish, Czech and Turkish. Dutch
and English are read where the amounts and the patterns are.
"""

import re
from collections.abc import Iterable
from functools import lru_cache, partial

# Our word: the words in other languages.
UNITS = {
    "g": "gramos gramo grammi grammo gramas grama gramm gramme grammes gramów gramy gramu gramů gramaa "
    "grama gramas грамм"
    " граммов грамма г γρ g. gr.",
    "mg": "miligramos miligramo milligrammi milligrammo miligramas miligrama milligramm milligrammes "
    "milligramme miligramy"
    " miligramów мг",
    "mL": "mililitros mililitro millilitri millilitro millilitres millilitre millilitern milliliter "
    "millilitraa mililitrów"
    " mililitry мл",
    "kg": "kilogramos kilogrammi kilogramas kilogramm kilogrammes kilogramme kiloa kilogramów кг kgkg",
    "h": "stunde stunden std. heure heures hora horas ora ore timme timmar time timer tunti tuntia "
    "tunnissa godzina godzinę"
    " godziny godz godz. hodina hodinu hodin hodinu hod hod. saat saatte час ч",
    "min": "minuten minuto minutos minuti minut minuter minutter minuutti minuutissa minuty minuta minutu dakika dk",
    "d": "tag tage tagen tägl täglich jour jours día días dia dias giorno giorni dygn dagar dager dage "
    "døgn dogn päivä päivää"
    " päivässä vrk dzień dni dobę doba doby den dny dní gün günde сутки сут день",
    "wk": "woche wochen wo. semaine semaines semana semanas settimana settimane vecka veckor uke uker uge "
    "uger viikko viikkoa"
    " tydzień tygodnie tygodni tygodniu týden týdny týdnů hafta haftada",
    "mo": "monat monate monaten mois mes meses mese mesi mês månad månader måned måneder kuukausi "
    "kuukautta miesiąc miesiące"
    " miesięcy měsíc měsíce měsíců ay ayda",
    "package": "flasche flaschen durchstechflasche durchstechflaschen ampulle ampullen beutel stück stk "
    "flacone flaconi fiala"
    " fiale fialoidi frasco frascos vial viales frasco-ampola frascos-ampola ampola "
    "ampolas bolsa bolsas sacca sacche poche"
    " poches flaska flaskor flaske flasker pullo pulloa injektiopullo fiolka fiolki "
    "fiolek lahvička lahvičky lahviček şişe"
    " adet",
    "dose": "dosen gabe gaben dose doses prise prises dosi somministrazione somministrazioni dávka dávky "
    "dávek dawka dawki"
    " dawek annos annosta doz",
    "course": "zyklus zyklen cure cures ciclo ciclos cicli curso kurs kurser",
}  # fmt: skip
_ENGLISH = {
    "h": "hours",
    "min": "minutes",
    "d": "days",
    "wk": "weeks",
    "mo": "months",
    "g": "g",
    "mg": "mg",
    "mL": "ml",
}
_NUMBERS = {
    1: "ein eine einer eines un une una uno um uma en ett et yksi jeden jedna bir",
    2: "andra anden annen zwei deux dos due dois duas två to kaksi dwa dwie dva dvě iki",
    3: "tredje drei trois tres tre três kolme trzy tři üç",
    4: "fjärde fjerde neljäs czwarty čtvrtý quatrième quatre cuatro quattro quatro fyra fire neljä cztery čtyři dört",
    5: "fünf cinq cinco cinque fem viisi pięć pět beş",
    6: "sechs six seis sei sex seks kuusi sześć šest altı",
    7: "sieben sept siete sette sete sju syv siedem sedm yedi",
    8: "huit ocho otto oito åtta otte åtte osiem osm sekiz",
    10: "zehn dix diez dieci dez tio ti dziesięć deset on",
}
_TIMES = [
    "mal",
    "fois",
    "vez",
    "veces",
    "vezes",
    "volta",
    "volte",
    "gång",
    "gånger",
    "gang",
    "gange",
    "ganger",
    "kerta",
    "kertaa",
    "razy",
    "raz",
    "krát",
    "kez",
    "defa",
]
_EVERY = (
    "alle, jede, jeden, jeder, jedes, toutes les, tous les, toutes, tous, chaque, cada, a "
    "cada, ogni, var, varje, hver, hvert,"
    " joka, co, każdy, każde, każdego, každé, každý, každých, každou, her"
)
_PER = "pro, par, por, al, alla, alle, à la, om, pr, pr., na, za, w, v, im, am"
# Phrases, in the order in which they are searched.
_PHRASES = (
    (r"jeden (?:zweiten|2\.?) tag|jeden zweiten|un jour sur deux|1 jour sur 2|"
    r"tous les deux jours|d[ií]as altern\w+|d[ií]a por medio|"
     r"(?:a )?giorni alterni|un giorno s[iì] e uno no|varannan dag|annenhver dag|"
     r"hver anden dag|joka toinen päivä|co drugi dzień|obden|"
     r"gün ?aşırı", "every 2 days"),
    (r"jede (?:zweite|2\.?) woche|(?:zwei|2)[- ]?wöchentlich|14[- ]?tägig|"
    r"une semaine sur deux|quincenal\w*|quindicinale|quinzenal\w*|"
     r"varannan vecka|annenhver uke|hver anden uge|joka toinen viikko|"
     r"co drugi tydzień|iki haftada bir", "every 2 weeks"),
    (r"(\d{1,2}|drei|vier|sechs|acht|drie|vier|zes|acht|three|four|six|"
    r"eight)[- ]?(?:wöchentlich\w*|wekelijks\w*|weekly)",
     r"every \1 weeks"),
    (r"einmalig\w*|einmalgabe|einzeldosis|(?:une (?:seule )?fois(?! par)|dose unique|"
    r"en une fois)|dosis única|[uú]nica (?:vez|dose)|dose única|"
     r"una tantum|dose unica|engångs\w*|engangs\w*|kerta-?annos|"
     r"kertalääke\w*|jednorazow\w+|jednorázov\w+|tek (?:doz|sefer)\w*", "single dose"),
    (r"wöchentlich\w*|hebdomadaires?|semanal(?:mente)?|settimanal[ei]|ukentlig|ugentlig\w*|"
    r"veckovis|viikoittain|týdně|tygodniowo|haftalık",
     "weekly"),
    (r"monatlich\w*|mensuel\w*|mensual(?:mente)?|mensil[ei]|mensal(?:mente)?|månads?vis|"
    r"månedlig\w*|kuukausittain|miesięcznie|měsíčně|aylık",
     "monthly"),
    (r"täglich\w*|tgl\.?|quotidien\w*|diari(?:o|a|amente)|giornalier[oa]|dagligen|dagligt?|"
    r"päivittäin|codziennie|dziennie|denně|günlük",
     "daily"),
)  # fmt: skip
WEEKDAYS = {
    1: "mon monday maandag maa ma mo montag lundi lun lunes lunedì lunedi segunda "
    "segunda-feira seg må mån måndag mandag man"
    " maanantai poniedziałek pn pon pondělí po pazartesi pzt",
    2: "tue tues tuesday dinsdag di din dienstag die mardi mar martes martedì martedi terça "
    "terça-feira ter tis tisdag tirsdag"
    " tir ti tiistai wtorek wt úterý út salı sal tu",
    3: "wed wednesday woensdag wo woe mittwoch mi mit mercredi mer miércoles miercoles mié "
    "mie mercoledì mercoledi quarta"
    " quarta-feira qua ons onsdag on keskiviikko ke środa śr středa st çarşamba çar we",
    4: "thu thur thurs thursday donderdag do don donnerstag jeudi jeu jueves jue giovedì "
    "giovedi gio quinta quinta-feira qui tor"
    " tors torsdag to torstai czwartek czw cz čtvrtek čt perşembe per th",
    5: "fri friday vrijdag vr vrij freitag fr fre vendredi ven viernes vie venerdì venerdi "
    "sexta sexta-feira sex fredag perjantai"
    " pe piątek pt pátek pá cuma cum",
    6: "sat saturday zaterdag za zat samstag sonnabend sa sam samedi sábado sabado sáb sab "
    "sabato lördag lör lørdag lør lauantai"
    " la sobota sob sobotu so. cumartesi cmt",
    7: "sun sunday zondag zo zon sonntag so son dimanche dim domingo dom domenica söndag sön "
    "søndag søn sunnuntai su niedziela nd"
    " niedz neděle ne pazar paz",
}  # fmt: skip


def _any(words: Iterable[str]) -> str:
    """Match one of these, the longest first."""
    return "|".join(sorted({re.escape(word.strip()) for word in words}, key=len, reverse=True))


_UNIT_OF = {word: ours for ours, words in UNITS.items() for word in words.split()}
_LONG_UNITS = "|".join(
    re.escape(word)
    for word, ours in sorted(_UNIT_OF.items(), key=lambda pair: -len(pair[0]))
    if ours in ("h", "min", "d", "wk", "mo") and len(word) > 2
)
_OUR_UNITS = r"days?|dag(?:en)?|weeks?|weken|months?|maand(?:en)?|hours?|uur"
_BEFORE_UNIT = rf"(?=(?:{_LONG_UNITS}|{_OUR_UNITS})\b)"
_NUMBER_OF = {word: str(number) for number, words in _NUMBERS.items() for word in words.split()}
_SPELLED = re.compile(rf"\b({_any(_NUMBER_OF)})(?:\s+(?=(?:{_LONG_UNITS}|{_any(_TIMES)})\b)|(?=mal\b))")
_SAID_TIMES = re.compile(rf"(?<=\d)\s*(?:{'|'.join(_TIMES)})\b")
_SAID_EVERY = re.compile(rf"\b(?:{_any(_EVERY.split(','))})\s+(?=\d|(?:{_LONG_UNITS}|{_OUR_UNITS})\b)")
_SAID_PER = re.compile(rf"(?<=[\wµ])\s+(?:{_any(_PER.split(','))})\s+{_BEFORE_UNIT}")
_MEASURES = _any(word for word, ours in _UNIT_OF.items() if ours in ("g", "mg", "mL") and len(word) > 1)
_SAID_UNIT = re.compile(rf"(?<![^\W\d])({_LONG_UNITS}|{_MEASURES})(?!\w)")
_ORDINAL = re.compile(r"(?<=\d)\.?º?ª?(?=\s*(?:days|weeks|months|hours)\b)")
_COMPILED = tuple((re.compile(rf"\b(?:{words})(?!\w)"), english) for words, english in _PHRASES)
_COUNTS = {
    "drei": "3",
    "vier": "4",
    "sechs": "6",
    "acht": "8",
    "drie": "3",
    "zes": "6",
    "three": "3",
    "four": "4",
    "six": "6",
    "eight": "8",
}


@lru_cache(maxsize=2048)
def in_english(text: str) -> str:
    """Return the text with its amounts and times in English: `alle 4 Wochen` becomes `every 4 weeks`."""
    text = text.lower()
    if not any(map(str.isalpha, text)):
        return text
    for words, english in _COMPILED:
        text = words.sub(partial(_said, english), text)
    text = _SPELLED.sub(lambda found: f"{_NUMBER_OF[found[1]]} ", text)
    text = _SAID_TIMES.sub(" x", text)
    text = _SAID_EVERY.sub("every ", text)
    text = _SAID_PER.sub(" per ", text)
    return _ORDINAL.sub("", _SAID_UNIT.sub(lambda found: _ENGLISH[_UNIT_OF[found[1]]], text))


def _said(english: str, found: re.Match[str]) -> str:
    return found.expand(english).replace(found[1], _COUNTS.get(found[1], found[1])) if found.re.groups else english


_WEEKDAY_OF = {word: day for day, words in WEEKDAYS.items() for word in words.split()}
_BETWEEN = re.compile(r"\s*(?:,|/|;|&|\+|\s(?:en|and|und|et|y|e|och|og|ja|i|a|ve)\s|\s+)\s*")
_AROUND = re.compile(
    r"^(?:(?:weekly|every week|wekelijks)\s+(?:on|op)?|on|op|am|le|les|los|el|il|elke|"
    r"iedere|every|jeden|jede|chaque|cada|ogni"
    r"|varje|hver|joka|co|každ\w+|her|each)\s+|\.$"
)
_LETTERS = {"mwf": (1, 3, 5), "m-w-f": (1, 3, 5), "m/w/f": (1, 3, 5), "m,w,f": (1, 3, 5), "tts": (2, 4, 6),
            "tths": (2, 4, 6),
            "t-th": (2, 4), "tth": (2, 4)}  # fmt: skip


_SHORTEST_ALONE = 4  # letters: `PO` is a route before it is a Czech Monday
_ALONE = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})


@lru_cache(maxsize=1024)
def weekdays_in(text: str) -> tuple[int, ...]:
    """Return the days of the week that a pattern consists of, 1 for Monday; nothing when it is anything else.

    `ma-wo-vr` are three days; two with a dash between them are a period: `Mo-Fr`.
    """
    text = _AROUND.sub("", text.strip().lower().replace(".", ""))
    if text in _LETTERS:
        return _LETTERS[text]
    ends = re.split(r"\s*(?:-|–|\bt/m\b|\btot\b|\bto\b|\bthrough\b|\bbis\b)\s*", text)
    joined_by_dash = len(ends) > 1 and "-feira" not in text
    names = ends if joined_by_dash else [name for name in _BETWEEN.split(text) if name]
    days = [_WEEKDAY_OF.get(name.strip()) for name in names]
    if not days or None in days or (len(days) == 1 and len(names[0]) < _SHORTEST_ALONE and names[0] not in _ALONE):
        return ()
    known = [day for day in days if day is not None]
    if joined_by_dash and len(known) == 2 and known[0] < known[1]:
        return tuple(range(known[0], known[1] + 1))
    return tuple(sorted(set(known)))
