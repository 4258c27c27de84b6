"""The words for amounts, times and days in other languages, each with its English or Dutch word.

German, French, Spanish, Italian, Portuguese, Swedish, Danish and Norwegian, Finnish, Polish, Czech, Turkish, Russian,
Ukrainian, Hungarian, Romanian, Greek, Lithuanian, Japanese, Chinese and Korean. Dutch and English are read where the
amounts and the patterns are.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache, partial

# Our word: the words in other languages.
UNITS = {
    "g": "gramos gramo grammi grammo gramas grama gramm gramme grammes gramów gramy gramu gramů gramaa "
    "grama gramas грамм грам грама грамів г. grame"
    "  gramai gramų γραμμάρια γραμμάριο γρ. グラム 그램 克 grs."
    " граммов грамма г γρ g. gr. grammaa gramov gramom grami grömm gam غرام جرام גרם กรัม",
    "mg": "miligramos miligramo milligrammi milligrammo miligramas miligrama milligramm milligrammes "
    "milligramme miligramy"
    " miligramów мг milligrammaa miligramov",
    "mL": "毫升 ミリリットル mililitri mililitrai мілілітрів мілілітри χιλιοστόλιτρα "
    "mililitros mililitro millilitri millilitro millilitres millilitre millilitern milliliter "
    "millilitraa mililitrów"
    " mililitry мл",
    "kg": "kilogramos kilogrammi kilogramas kilogramm kilogrammes kilogramme kiloa kilogramów кг kgkg kilogrammaa",
    "h": "時間 時 시간 小时 小時 óra ore oră ora ώρα ώρες години година val. val valandą "
    "stunde stunden std. std heure heures hora horas ora ore timme timmar time timer tunti tuntia "
    "tunnissa godzina godzinę"
    " godziny godz godz. hodina hodinu hodin hodinu hod hod. saat saatte час ч",
    "min": "minuten minuto minutos minuti minut minuter minutter minuutti minuutissa minuty minuta minutu dakika dk",
    "d": "tag tage tagen tägl täglich jour jours día días dia dias giorno giorni dygn dagar dager dage "
    "døgn dogn päivä päivää päivän päeva"
    " päivässä vrk dzień dni dobę doba doby den dny dní gün günde сутки сут день дня дней днів дні добу nap napig napon"
    " zi zile zilei μέρα μέρες ημέρα ημέρες diena dienas dienos dienų",
    "wk": "woche wochen wo. semaine semaines semana semanas settimana settimane vecka veckor uke uker uge "
    "uger viikko viikkoa viikon nädal nädala nädalat"
    " tydzień tygodnie tygodni tygodniu tyg. tyg týden týdny týdnů hafta haftada неделя недели недель неделю тиждень"
    " тижні тижнів hét héten hetente hétig săptămână săptămâni săptămâna εβδομάδα εβδομάδες savaitė savaites savaitės"
    " savaičių sem. sett.",
    "mo": "monat monate monaten mois mes meses mese mesi mês månad månader måned måneder kuukausi "
    "kuukautta miesiąc miesiące"
    " miesięcy mies. mies měsíc měsíce měsíců ay ayda месяц месяца месяцев місяць місяці місяців hónap hónapban"
    " månaden måneden kuukauden kuud havonta lună luni luna μήνα μήνας μήνες mėnuo mėnesį mėnesius",
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
    2: "kahden andra anden annen zwei deux dos due dois duas två to kaksi dwa dwie dva dvě iki"
    " два две дві két doi două δύο",
    3: "kolmen tredje drei trois tres tre três kolme trzy tři üç три három trei τρεις",
    4: "neljän fjärde fjerde neljäs czwarty čtvrtý quatrième quatre cuatro quattro quatro fyra fire neljä cztery čtyři"
    " dört vier четыре чотири négy patru τέσσερις",
    5: "fünf cinq cinco cinque fem viisi pięć pět beş пять п'ять öt cinci πέντε",
    6: "kuuden sechs six seis sei sex seks kuusi sześć šest altı",
    7: "sieben sept siete sette sete sju syv siedem sedm yedi",
    8: "kahdeksan acht huit ocho otto oito åtta otte åtte osiem osm sekiz",
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
    "раза",
    "раз",
    "рази",
    "alkalommal",
    "ori",
    "φορές",
    "φορά",
]
_EVERY = (
    "alle, jede, jeden, jeder, jedes, toutes les, tous les, toutes, tous, chaque, cada, a "
    "cada, ogni, var, varje, hver, hvert,"
    " vart, joka, co, każdy, każde, każdego, každé, každý, každých, každou, her, каждые, каждую, каждый, каждое, кожні,"
    " кожен, minden, la fiecare, fiecare, κάθε, kas, ik pēc, iga"
)
_PER = "pro, par, por, al, a la, alla, alle, à la, om, pr, pr., na, za, w, v, im, am, в, на, pe, την, τον"
_PER_SO_MANY = "par, por, pro, в, på"  # before a number of weeks: `1 раз в 4 недели`
_EACH_NTH = (
    r"(?:elke|iedere|every|each) (tweede|derde|vierde|zesde|achtste|second|third|fourth|sixth|eighth|[2-8])"
    r"(?:e|de|ste|nd|rd|th)?"
)
# Phrases, in the order in which they are searched.
_PHRASES = (
    # A cycle of fewer than 14 days may as well be a course of so many days on end.
    (r"(1[4-9]|[2-9]\d)[- ]?(?:days?|dagen|tage)[- ](?:cycl\w+|zykl\w+)", r"every \1 days"),
    (r"(?:cyc(?:le|lus)|zyklus)\s*(?:of|van|von|:)?\s*(1[4-9]|[2-9]\d)[- ]?(?:d|days?|dagen|tagen?)(?! ?\d)",
     r"every \1 days"),
    (r"(\d{1,2})[- ]?(?:weeks?|weken|wochen)[- ](?:cycl\w+|zykl\w+|interval\w*)", r"every \1 weeks"),
    (r"(\d{1,2})[- ]?(?:days?|dagen|tage)[- ]interval\w*", r"every \1 days"),
    (r"(?:cyc(?:le|lus)|zyklus|interval\w*|abst[aä]nd(?:en)?)\s*(?:of|van|von|:)?\s*(\d{1,2})[- ]?"
     r"(?:w(?:k|eeks?|eken)?|wochen)(?! ?\d)", r"every \1 weeks"),
    (r"(?:interval\w*|abst[aä]nd(?:en)?)\s*(?:of|van|von|:)?\s*(\d{1,2})[- ]?(?:d|days?|dagen|tagen?)(?! ?\d)",
     r"every \1 days"),
    (r"int[eé]rv[aá]l\w*\s*(?:of|van|von|de|di|:)?\s*(\d{1,2})\s*(?:semaines?|semanas|settimane)", r"every \1 weeks"),
    (r"(\d{1,2}) semaines d'intervalle", r"every \1 weeks"),
    # The number stands twice, and the second time before its unit: by then it is in digits.
    (r"(?:de|a) (?:cada )?\w{1,6} em (\d{1,2}) semanas?", r"every \1 weeks"),
    (r"(?:de|a) (?:cada )?\w{1,6} em (\d{1,2}) dias?", r"every \1 days"),
    (r"(?:de|a) (?:cada )?\w{1,6} em (\d{1,2}) m[eê]s(?:es)?", r"every \1 months"),
    (r"(?:de|a) (?:cada )?\w{1,6} em (\d{1,2}) h(?:oras?)?", r"every \1 hours"),
    (r"(\d{1,2})[- ]?wöchige[nmr]?s? (?:abst[aä]nd\w*|intervall\w*)", r"every \1 weeks"),
    (r"(\d{1,2}) viikon välein", r"every \1 weeks"),
    (r"(\d{1,2}) päivän välein", r"every \1 days"),
    (r"(\d{1,2}) kuukauden välein", r"every \1 months"),
    (r"(?:her )?(\d{1,2}) haftada bir(?: kez)?", r"every \1 weeks"),
    (r"(?:her )?(\d{1,2}) günde bir(?: kez)?", r"every \1 days"),
    (r"(?:her )?(\d{1,2}) ayda bir(?: kez)?", r"every \1 months"),
    (r"(?:o dată )?la (\d{1,2}) săptămâni", r"every \1 weeks"),
    (r"(?:o dată )?la (\d{1,2}) zile", r"every \1 days"),
    (r"(?:in )?alternate weeks?", "every 2 weeks"),
    (r"(?:per|por) (\d{1,2}) ?(?:giorni|gg|d[ií]as)", r"for \1 days"),
    (r"(\d{1,2}) ?gg\.?", r"\1 days"),
    (r"all'ora|an hour", "/ hour"),
    (r"(\d{1,2}) ?wo\.?", r"\1 weeks"),
    (r"(\d{1,2})[- ]?wöch(?:entl(?:ich)?|ig)\.?", r"every \1 weeks"),
    (r"mtl\.?|monatl\.?", "monthly"),
    (r"(\d{1,2}) ?sem\.?", r"\1 weeks"),
    (r"(?:every|q) ?(\d{1,2})/52", r"every \1 weeks"),
    (r"(?:every|q) ?(\d{1,2})/12", r"every \1 months"),
    (r"od (?:x ?|for )?(\d{1,2})/7", r"daily for \1 days"),
    (r"(?:x ?|for )(\d{1,2})/7", r"for \1 days"),
    (r"daily\s*x ?(\d{1,2})(?! ?(?:[\d.,/%]|m?g\b|gram|ml|d\b|day|dose|w))", r"daily for \1 days"),
    (r"fortnightly|every fortnight|bi-?weekly|semana s[ií],? semana no|semanas alternas|(?:a )?settimane alterne",
     "every 2 weeks"),
    (r"через день|kétnaponta|másnaponta|о день", "every 2 days"),
    (r"(\d{1,2}) hetente", r"every \1 weeks"),
    (r"^\s*(?:al giorno|al d[ií]a|par jour|pro tag|por d[ií]a|ao dia|в (?:день|сутки))", "daily"),
    (r"jeden (?:zweiten|2\.?) tag|jeden zweiten|un jour sur deux|1 jour sur 2|"
    r"tous les deux jours|d[ií]as altern\w+|d[ií]a por medio|"
     r"(?:a )?giorni alterni|un giorno s[iì] e uno no|varannan dag|annenhver dag|"
     r"hver anden dag|joka toinen päivä|co drugi dzień|obden|"
     r"gün ?aşırı", "every 2 days"),
    (r"jede (?:zweite|2\.?) woche|(?:zwei|2)[- ]?wöchentlich|14[- ]?tägig|"
    r"(?:une|1) semaine sur (?:deux|2)|quincenal\w*|quindicinale|quinzenal\w*|"
     r"varannan vecka|annenhver uke|hver anden uge|joka toinen viikko|"
     r"co drugi tydzień|iki haftada bir", "every 2 weeks"),
    (r"(\d{1,2}|drei|vier|sechs|acht|drie|vier|zes|acht|three|four|six|"
    r"eight)[- ]?(?:wöchentlich\w*|wöchig\w*(?: (?:abst[aä]nd|intervall)\w*)?|wekelijks\w*|weekly)",
     r"every \1 weeks"),
    (rf"{_EACH_NTH} (?:week|wk)", r"every \1 weeks"),
    (rf"{_EACH_NTH} (?:dag|day)", r"every \1 days"),
    (rf"{_EACH_NTH} (?:maand|month)", r"every \1 months"),
    (r"einmalig\w*|einmalgabe|einzeldosis|(?:une (?:seule )?fois(?! par)|dose unique|"
    r"en une fois)|dosis única|[uú]nica (?:vez|dose)|dose única|"
     r"una tantum|dose unica|engångs\w*|engangs\w*|kerta-?annos|"
     r"kertalääke\w*|jednorazow\w+|jednorázov\w+|tek (?:doz|sefer)\w*", "single dose"),
    (r"wöchentlich\w*|hebdomadaires?|semanal(?:mente)?|settimanal[ei]|ukentlig|ugentlig\w*|"
    r"veckovis|viikoittain|týdně|tygodniowo|haftalık|haftada bir|"
     r"еженедельно|щотижня|hetente|hetenként|săptămânal|εβδομαδιαί\w+",
     "weekly"),
    (r"monatlich\w*|mensuel\w*|mensual(?:mente)?|mensil[ei]|mensal(?:mente)?|månads?vis|"
    r"månedlig\w*|kuukausittain|miesięcznie|měsíčně|aylık|ayda bir|ежемесячно|щомісяця|havonta|lunar|μηνιαί\w+",
     "monthly"),
    (r"täglich\w*|tgl\.?|quotidien\w*|diari(?:o|a|amente)|giornalier[oa]|dagligen|dagligt?|"
    r"päivittäin|codziennie|dziennie|denně|günlük|ежедневно|щоденно|щодня|naponta|napi|zilnic|καθημεριν\w+|ημερησίως"
    r"|kasdien|katru dienu",
     "daily"),
)  # fmt: skip
WEEKDAYS = {
    1: "mon monday maandag maa ma mo montag lundi lun lunes lunedì lunedi segunda "
    "segunda-feira seg må mån måndag mandag man"
    " maanantai poniedziałek pn pon pondělí po pazartesi pzt"
    " lu пн понедельник понеділок hétfő luni δευτέρα 月曜 月曜日 월요일",
    2: "tue tues tuesday dinsdag di din dienstag die mardi mar martes martedì martedi terça "
    "terça-feira ter tis tisdag tirsdag"
    " tir ti tiistai wtorek wt úterý út salı sal tu вт вторник вівторок kedd marți τρίτη 火曜 火曜日 화요일",
    3: "wed wednesday woensdag wo woe mittwoch mi mit mercredi mer miércoles miercoles mié "
    "mie mercoledì mercoledi quarta"
    " quarta-feira qua ons onsdag on keskiviikko ke środa śr středa st çarşamba çar we"
    " me ср среда середа szerda miercuri τετάρτη 水曜 水曜日 수요일",
    4: "thu thur thurs thursday donderdag do don donnerstag jeudi jeu jueves jue giovedì "
    "giovedi gio quinta quinta-feira qui tor"
    " tors torsdag to torstai czwartek czw cz čtvrtek čt perşembe per th"
    " je gi чт четверг четвер csütörtök joi πέμπτη 木曜 木曜日 목요일",
    5: "fri friday vrijdag vr vrij freitag fr fre vendredi ven viernes vie venerdì venerdi "
    "sexta sexta-feira sex fredag perjantai"
    " pe piątek pt pátek pá cuma cum ve пт пятница п'ятниця péntek vineri παρασκευή 金曜 金曜日 금요일",
    6: "sat saturday zaterdag za zat samstag sonnabend sa sam samedi sábado sabado sáb sab "
    "sabato lördag lör lørdag lør lauantai"
    " la sobota sob sobotu so. cumartesi cmt сб суббота субота szombat sâmbătă σάββατο 土曜 土曜日 토요일",
    7: "sun sunday zondag zo zon sonntag so son dimanche dim domingo dom domenica söndag sön "
    "søndag søn sunnuntai su niedziela nd"
    " niedz neděle ne pazar paz вс воскресенье нд неділя vasárnap duminică κυριακή 日曜 日曜日 일요일",
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
_BEFORE_SO_MANY = rf"(?=\d{{1,2}}\.?\s+(?:{_LONG_UNITS}|{_OUR_UNITS})\b)"
_NUMBER_OF = {word: str(number) for number, words in _NUMBERS.items() for word in words.split()}
_SPELLED = re.compile(rf"\b({_any(_NUMBER_OF)})(?:\s+(?=(?:{_LONG_UNITS}|{_any(_TIMES)})\b)|(?=mal\b))")
_SAID_TIMES = re.compile(rf"(?<=\d)\s*(?:{'|'.join(_TIMES)})\b")
_SAID_EVERY = re.compile(rf"\b(?:{_any(_EVERY.split(','))})\s+(?=\d|(?:{_LONG_UNITS}|{_OUR_UNITS})\b)")
_SAID_PER = re.compile(
    rf"(?<=[\wµ])\s+(?:(?:{_any(_PER.split(','))})\s+{_BEFORE_UNIT}|(?:{_any(_PER_SO_MANY.split(','))})\s+{_BEFORE_SO_MANY})"
)
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
    "tweede": "2",
    "derde": "3",
    "vierde": "4",
    "zesde": "6",
    "achtste": "8",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "sixth": "6",
    "eighth": "8",
}


# Days on end: `dag 1 t/m 5`, `J1 à J5`, `5 consecutive days`, `5 Tage hintereinander`.
_A_DAY = r"(?:dag(?:en)?|days?|tage?|jours?|d[ií]as?|giorn[oi]|dzie[nń]|den|d|j|t)"
_DAYS_ON_END = re.compile(
    rf"(?<!/)(?<!per )\b{_A_DAY}\.?\s?(?P<first>\d{{1,2}})"
    r"\s*(?:-|–|t/m|tot(?: en met)?|to|through|bis|à|a|al|au|do|e?n met|(?P<next>en|and|und|et|y|e|&|\+))"
    rf"\s*(?:{_A_DAY}\.?\s?)?(?P<last>\d{{1,2}})\b(?!\s*(?:[./:,]\d|x\b|%|{_LONG_UNITS}|{_OUR_UNITS}|dgn))"
)
_ADJOINING = (
    r"consecutive|successive|achtereenvolgende|opeenvolgende|aaneengesloten|aufeinander ?folgenden?|consécutifs|"
    r"consecutivos|consecutivi|seguidos|påföljande|på hinanden følgende|peräkkäistä|kolejnych|po sobě jdoucích|"
    r"последовательных|egymást követő"
)
_ON_END = (
    r"achtereen|achter elkaar|op rij|aaneengesloten|in a row|de suite|d'affilée|consécutifs|consecutivos|seguidos|"
    r"consecutivi|di seguito|hintereinander|in folge|am stück|i rad|i træk|på rad|peräkkäin|z rzędu|po sobě|üst üste"
    r"|подряд"
)
_ORDINALS = {
    1: "first eerste erste ersten erster premier première primer primero primera primo prima primeiro primeira första"
    " første ensimmäinen pierwszy pierwszą první первый первую",
    2: "other second andere tweede zweite zweiten zweites zweiter deuxième segundo segunda secondo seconda andra anden"
    " andet annen toinen drugi drugą druhý druhé druhou második второй вторую",
    3: "third derde dritte dritten troisième tercer tercero tercera terzo terza terceiro terceira tredje kolmas trzeci"
    " trzecią třetí harmadik третий третью",
    4: "fourth vierde vierte vierten quatrième cuarto cuarta quarto quarta fjärde fjerde neljäs czwarty czwartą čtvrtý"
    " čtvrtou negyedik четвёртый четвертую",
    6: "sixth zesde sechste sechsten sixième sexto sexta sesto sesta sjätte sjette kuudes szósty šestý hatodik",
    8: "eighth achtste achte achten huitième octavo ottavo åttonde ottende kahdeksas ósmy osmý nyolcadik",
}
_ORDINAL_OF = {word: number for number, words in _ORDINALS.items() for word in words.split()}
_ENDING = r"(?::[ea]|\.|º|ª|th|nd|rd|st|ste|te|de|er|[eè]mes?|e|-?(?:ую|ю|й|ый|я))"  # of an ordinal in digits: `4:e`
_NTH = rf"(?:\d{{1,2}}{_ENDING}|{_any(_ORDINAL_OF)}|last|laatste|letzten|dernier|último|ultimo|sista|siste)"
# A weekday stands for its week: `every other Tuesday`, `jeden dritten Montag`, `first Monday of the month`.
_LONG_DAY = rf"(?:{_any(w for words in WEEKDAYS.values() for w in words.split() if len(w) > 4)})"
_A_WEEKDAY = rf"{_LONG_DAY}(?:s|en|ar|er|ene)?"
_MONTHS = _any(
    ["month", "months", "maand", *(word for word, ours in _UNIT_OF.items() if ours == "mo" and len(word) > 2)]
)
_WEEKDAY_OF_THE_MONTH = re.compile(
    rf"\b{_NTH}\s+(?P<second>(?:and|en|und|et|y|e|och|og|&|,)\s+{_NTH}\s+)?{_A_WEEKDAY}\s+"
    rf"(?:[^\W\d]+\.?\s+){{0,3}}?(?:{_MONTHS})(?!\w)"
)
_EVERY_OTHER_WEEKDAY = re.compile(
    rf"\b(?:(?:un|une|1) {_A_WEEKDAY} sur (?:deux|2)|(?:a )?{_A_WEEKDAY} altern[aeio]s?"
    rf"|(?:alternate|om de(?: andere)?|varannan|vartannat|annenhver) {_A_WEEKDAY}"
    rf"|(?:un )?{_A_WEEKDAY} s[iíì],? (?:e|y) (?:uno|otro) no)(?!\w)"
)
_EACH_ONE = f"{_any([*_EVERY.split(','), 'every', 'each', 'elke', 'iedere', 'jeden', 'jeder', 'ogni'])}"
_EVERY_NTH = re.compile(
    rf"\b(?:{_EACH_ONE})\s+(?:(?P<digits>\d{{1,2}}){_ENDING}?|(?P<word>{_any(_ORDINAL_OF)}|{_any(_NUMBER_OF)}))"
    rf"\s+(?:(?P<day>{_A_WEEKDAY})(?!\w)|(?=(?:{_LONG_UNITS}|{_OUR_UNITS})(?!\w)))"
)
_AND_A_DAY = rf"(?:\s*(?:,|&|\+|/|-|and|en|und|et|y|e|och|og)\s*{_A_WEEKDAY})*"
_ON_WEEKDAYS = re.compile(  # `start on Monday` is one day
    rf"\b(?:(?:{_EACH_ONE})\s+(?P<days>{_A_WEEKDAY}{_AND_A_DAY})|(?P<plural>{_LONG_DAY}(?:s|en){_AND_A_DAY}))(?!\w)"
)
_UNDIVIDED = r"(?<!over )(?<!in )(?<!über )"
_SO_MANY_ON_END = re.compile(
    rf"\b{_UNDIVIDED}(?P<count>\d{{1,2}})\s+(?:(?:{_ADJOINING})\s+(?:{_LONG_UNITS}|{_OUR_UNITS})|"
    rf"(?:{_LONG_UNITS}|{_OUR_UNITS})\s+(?:{_ON_END}))(?!\w)"
)
_GERMAN_EVERY = re.compile(r"\bjede[nsr]? (?=(?:monat|tag|woche)\b)")  # before `jeden`, which is one in Polish
_AN_ITALIAN_DAY = re.compile(r"(?:/|(?<=g)\s|\bpro )\s?die\b(?! (?:woche|stunde|erst|n[äa]chst|ganze))")
_A_FRENCH_DAY = re.compile(r"/\s?j\b")
_FRENCH_DAYS = re.compile(r"(?<![a-z\d])(\d{1,2})\s?j(?:rs?)?\b")  # in Dutch these are years: `pt 65 jr`
_FRENCH = re.compile(
    r"/\s?j\b|\b(?:pendant|pdt|durant|toutes|tous|chaque|jours?|semaines?|sem|mois|fois|par|sur|puis)\b"
)
# Scripts that set no blanks between words.
_FAR_EAST = re.compile(r"[　-ヿ㐀-鿿가-힯]")
_EACH = "毎|ごと|おき|마다|間隔|간격"
_ONE_TIME = "[1一]\\s*[回次회]"
_UNSPACED = tuple(
    (re.compile(pattern), english)
    for pattern, english in (
        (r"隔日|격일", "every 2 days"),
        (r"隔[週周]|격주", "every 2 weeks"),
        (r"(?:[毎每]日|每天|連日|매일|(?:1|一)[日天](?=に?[1一])|1일(?= ?1))\s*に?(?:[1一]\s*[回次회])?", "daily"),
        (r"(?:[毎每][日天]|매일|[1一][日天]|1일)\s*に?\s*(\d)\s*[回次회]", r"\1 x daily"),
        (r"[毎每매]\s*(\d{1,2})\s*(?:[週周]間?|주)(?:[1一]\s*[回次회])?", r"every \1 weeks"),
        (
            r"(\d{1,2})\s*(?:[週周]間?|주(?:간)?)\s*(?:毎|ごと|おき|마다|間隔|간격|に|에)\s*に?(?:\s*[1一]\s*[回次회])?",
            r"every \1 weeks",
        ),
        (r"[毎每매]\s*(\d{1,2})\s*(?:日|天|일)(?:[1一]\s*[回次회])?", r"every \1 days"),
        (rf"(\d{{1,2}})\s*(?:日|天|일)\s*(?:{_EACH})\s*に?", r"every \1 days"),
        (
            r"(\d{1,2})\s*(?:か月|ヶ月|カ月|个月|個月|개월)\s*(?:毎|ごと|마다|に)\s*に?(?:\s*[1一]\s*[回次회])?",
            r"every \1 months",
        ),
        (r"[毎每][週周]|매주|週に?1回|[每毎]?周一次", "weekly"),
        (r"[毎每]月|매월|매달|月に?1回|每月一次", "monthly"),
        (r"(\d{1,2})\s*(?:日間|天|일간|일 ?동안)", r"\1 days"),
        (r"単回|单次|單次|1회 투여", "single dose"),
        (r"グラム|그램|克", "g"),
    )
)


@lru_cache(maxsize=2048)
def in_english(text: str) -> str:
    """Return the text with its amounts and times in English: `alle 4 Wochen` becomes `every 4 weeks`."""
    text = text.lower()
    if not any(map(str.isalpha, text)):
        return text
    if _FRENCH.search(text):
        text = _A_FRENCH_DAY.sub("/day", _FRENCH_DAYS.sub(r"\1 days", text))
    text = _weeks_for_weekdays(_GERMAN_EVERY.sub("every ", text))
    text = _AN_ITALIAN_DAY.sub("/day", text)
    if _FAR_EAST.search(text):
        text = unicodedata.normalize("NFKC", text)
        for words, english in _UNSPACED:
            text = words.sub(partial(_spaced, english), text)
    text = _SPELLED.sub(lambda found: f"{_NUMBER_OF[found[1]]} ", text)
    text = _DAYS_ON_END.sub(_days_on_end, text)
    text = _SO_MANY_ON_END.sub(r"daily-on-end \g<count> days", text)
    for words, english in _COMPILED:
        text = words.sub(partial(_said, english), text)
    text = _SAID_TIMES.sub(" x", text)
    text = _SAID_EVERY.sub("every ", text)
    text = _SAID_PER.sub(" per ", text)
    return _ORDINAL.sub("", _SAID_UNIT.sub(lambda found: _ENGLISH[_UNIT_OF[found[1]]], text))


def _weeks_for_weekdays(text: str) -> str:
    """Return the text with `every 2 weeks` for `every other Tuesday`, and an ordinal as its number."""
    text = _WEEKDAY_OF_THE_MONTH.sub(lambda found: "every 2 weeks" if found["second"] else "monthly", text)
    return _EVERY_NTH.sub(_every_nth, _EVERY_OTHER_WEEKDAY.sub("every 2 weeks", text))


def _every_nth(found: re.Match[str]) -> str:
    number = found["digits"] or str(_ORDINAL_OF.get(found["word"]) or _NUMBER_OF[found["word"]])
    if found["word"] and number == "1":
        return "monthly" if found["day"] and found["word"] in _ORDINAL_OF else found[0]
    return f"every {number} weeks" if found["day"] else f"every {number} "


def _spaced(english: str, found: re.Match[str]) -> str:
    return f" {found.expand(english)} "


def _days_on_end(found: re.Match[str]) -> str:
    days = int(found["last"]) - int(found["first"]) + 1
    if found["next"] and days != 2:  # `dag 1 en 8` are not on end
        return found[0]
    return f"daily-on-end {days} days" if 1 < days <= _LONGEST_RUN else found[0]


_LONGEST_RUN = 31  # days


def _said(english: str, found: re.Match[str]) -> str:
    return found.expand(english).replace(found[1], _COUNTS.get(found[1], found[1])) if found.re.groups else english


_WEEKDAY_OF = {word: day for day, words in WEEKDAYS.items() for word in words.split()}
_BETWEEN = re.compile(r"\s*(?:,|、|・|/|;|&|\+|\s(?:en|and|und|et|y|e|och|og|o|ja|i|a|ve|и|та|és|și|και)\s|\s+)\s*")
_AROUND = re.compile(
    r"^(?:(?:weekly|every week|wekelijks)\s+(?:on|op)?|on|op|am|le|les|los|el|il|elke|"
    r"iedere|every|jeden|jede|chaque|cada|ogni"
    r"|varje|hver|joka|co|každ\w+|her|each)\s+|\.$"
)
_LETTERS = {"mwf": (1, 3, 5), "m-w-f": (1, 3, 5), "m/w/f": (1, 3, 5), "m,w,f": (1, 3, 5), "tts": (2, 4, 6),
            "tths": (2, 4, 6),
            "t-th": (2, 4), "tth": (2, 4)}  # fmt: skip


_WORKING_DAYS = frozenset(
    {"weekdays", "working days", "werkdagen", "werktags", "werktage", "jours ouvrables", "giorni feriali"}
)
_SHORTEST_ALONE = 4  # letters: `PO` is a route before it is a Czech Monday
_ALONE = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun", "vr", "vrij", "za"})


def _weekday(name: str) -> int | None:
    """Return the day of a name, also of its plural: `Tuesdays`, `dinsdagen`, `dienstags`."""
    found = _WEEKDAY_OF.get(name)
    if found is None and len(name) > _SHORTEST_PLURAL:
        names = (name.removesuffix(ending) for ending in ("s", "en", "ene", "ar", "er"))
        found = next((day for day in map(_WEEKDAY_OF.get, names) if day), None)
    return found


_SHORTEST_PLURAL = 6  # letters


def weekdays_among(text: str) -> tuple[int, ...]:
    """Return the days of the week on which a text says that something recurs: `every Tuesday, six times`."""
    found = _ON_WEEKDAYS.search(text.lower())
    return weekdays_in(found["days"] or found["plural"]) if found else ()


@lru_cache(maxsize=1024)
def weekdays_in(text: str) -> tuple[int, ...]:
    """Return the days of the week that a pattern consists of, 1 for Monday; nothing when it is anything else.

    `ma-wo-vr` are three days; two with a dash between them are a period: `Mo-Fr`.
    """
    text = _AROUND.sub("", text.strip().lower().replace(".", ""))
    if text in _WORKING_DAYS:
        return (1, 2, 3, 4, 5)
    if text in _LETTERS:
        return _LETTERS[text]
    ends = re.split(r"\s*(?:-|–|\bt/m\b|\btot\b|\bto\b|\bthrough\b|\bbis\b)\s*", text)
    joined_by_dash = len(ends) > 1 and "-feira" not in text
    names = ends if joined_by_dash else [name for name in _BETWEEN.split(text) if name]
    days = [_weekday(name.strip()) for name in names]
    if not days or None in days or (len(days) == 1 and len(names[0]) < _SHORTEST_ALONE and names[0] not in _ALONE):
        return ()
    known = [day for day in days if day is not None]
    if joined_by_dash and len(known) == 2 and known[0] < known[1]:
        return tuple(range(known[0], known[1] + 1))
    return tuple(sorted(set(known)))
