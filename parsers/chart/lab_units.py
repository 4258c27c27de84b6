"""Units of measurements as laboratories write them → UCUM. Spelling only: nothing is converted here."""

import re

_UCUM = {
    "10*9/L": "10*9/l 10^9/l x10^9/l x10*9/l 10e9/l x10e9/l 10e+9/l 10x9/l 10^9l giga/l g.pt/l gpt/l /nl 10(9)/l"
    " x10(9)/l 10exp9/l 1e9/l k/ul k/mm3 10^3/ul 10*3/ul 10e3/ul x10^3/ul x10e3/ul 10^3/mm3 thou/ul thousand/ul",
    "10*12/L": "10*12/l 10^12/l x10^12/l x10*12/l 10e12/l x10e12/l tera/l /pl 10^6/ul 10*6/ul x10^6/ul m/ul 10e6/ul",
    "umol/L": "umol/l µmol/l μmol/l mcmol/l micromol/l",
    "mmol/L": "mmol/l",
    "nmol/L": "nmol/l",
    "g/L": "g/l gr/l gram/l",
    "g/dL": "g/dl",
    "mg/dL": "mg/dl mg%",
    "mg/L": "mg/l",
    "ug/L": "ug/l µg/l μg/l mcg/l",
    "ug/mL": "ug/ml µg/ml μg/ml mcg/ml",
    "ng/mL": "ng/ml",
    "ng/L": "ng/l",
    "pg/mL": "pg/ml",
    "ug/L{FEU}": "ug/lfeu µg/lfeu μg/lfeu ugfeu/l µgfeu/l feuug/l ug{feu}/l ug/l{feu} mcgfeu/l mcg/lfeu",
    "ng/mL{FEU}": "ng/mlfeu ngfeu/ml ng{feu}/ml ng/ml{feu}",
    "mg/L{FEU}": "mg/lfeu mgfeu/l mg{feu}/l mg/l{feu} ug/mlfeu µg/mlfeu ugfeu/ml ug{feu}/ml mcg/mlfeu mcgfeu/ml",
    "U/L": "u/l e/l ie/l iu/l eh/l",
    "U/mL": "u/ml ie/ml iu/ml",
    "kU/L": "ku/l",
    "mL/min": "ml/min",
    "mL/min/{1.73_m2}": "ml/min/{1.73_m2} ml/min/1.73m2 ml/min/1,73m2 ml/min/1.73m^2 ml/min/1,73m^2 ml/min/1.73m²"
    " ml/min/1,73m² ml/min/1.73 ml/min/1,73 ml/min/{1.73m2} ml/min/{1.73} ml/min/[1.73_m2] ml/min/1.73m*2",
    "{INR}": "{inr} inr inr-eenheden {ratio}inr",
    "1": "1 {ratio} ratio",
    "%": "% procent percent",
    "kg": "kg kilogram kilo kgs kilograms",
    "g": "g gram gr grams",
    "[lb_av]": "lb lbs [lb_av] pound pounds",
    "cm": "cm centimeter centimeters",
    "m": "m meter",
    "[in_i]": "in inch inches [in_i] [in_us]",
    "kg/m2": "kg/m2 kg/m^2 kg/m² kg/m*2",
    "s": "s sec seconden seconds secs",
    "mm/h": "mm/h mm/hr mm/u mm/uur",
    "mPa.s": "mpa.s mpas mpa*s mpa·s cp centipoise",
    "mm[Hg]": "mmhg mm[hg] mmhg.",
    "/min": "/min bpm /minuut slagen/min",
    "Cel": "cel °c graden celsius degc c",
    "L/L": "l/l",
    "fL": "fl",
}
_OURS = {spelling: ucum for ucum, spellings in _UCUM.items() for spelling in spellings.split()}
_BLANKS = re.compile(r"\s+")


def ucum_of(written: str) -> str:
    """The UCUM spelling of a unit; one nobody knows stays as it was written."""
    return _OURS.get(_BLANKS.sub("", written).lower(), written.strip())
