"""German, bent: numbers, ordinals and spans as a person would write them in a letter.

It must never decide what is said, only how a word looks. It speaks the protocol of
`streams.planning.languages`. German bends words by case: ordinals come in the weak form that
follows `deine` or `die` (`deine sechsunddreißigste Einheit`), spans in the accusative that
stands before `lang` (`einen Monat lang`), shares in the accusative (`du hast die Hälfte`).
"""

from collections.abc import Sequence

from babel.numbers import format_decimal

_ONES = (
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_TENS = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_ODD_ORDINALS = {"eins": "erste", "drei": "dritte", "sieben": "siebte", "acht": "achte"}
_UNITS = ((365, "ein Jahr", "Jahre"), (30, "einen Monat", "Monate"), (7, "eine Woche", "Wochen"))
_SHARES: dict[float, str] = {25: "ein Viertel", 50: "die Hälfte", 75: "drei Viertel", 100: "alles"}
_WORDS_BELOW = 100


def number(value: float) -> str:
    """A number in running text: words below a hundred, then figures, as in `1.200` or `2,5`."""
    if value != int(value) or not 0 <= value < _WORDS_BELOW:
        return format_decimal(round(value, 9), locale="de", decimal_quantization=False)
    whole = int(value)
    if whole < len(_ONES):
        return _ONES[whole]
    tens, ones = divmod(whole, 10)
    return f"{_ONES[ones].removesuffix('s' if ones == 1 else '')}und{_TENS[tens]}" if ones else _TENS[tens]


def ordinal(value: int) -> str:
    """The number as a rank, in the weak form: `sechsunddreißigste`, and from a hundred on `112.`."""
    words = number(value)
    if words[-1].isdigit():
        return f"{words}."
    return _ODD_ORDINALS.get(words) or words + ("te" if value < len(_ONES) else "ste")


def span(days: int) -> str | None:
    """Days as the larger unit that people feel, in the accusative: `zwei Wochen`, `einen Monat`; None if none fits."""
    for length, one, several in _UNITS:
        if days and days % length == 0:
            return one if days == length else f"{number(days // length)} {several}"
    return None


def share(percent: float) -> str:
    """How much of a whole is done, in the accusative: `die Hälfte`, `80 Prozent`."""
    return _SHARES.get(percent) or f"{number(percent) if percent % 1 else int(percent)} Prozent"


def on_day(day: str, *, is_date: bool) -> str:  # noqa: ARG001 - some languages need to know
    """When something was: `am Dienstag`, `am 5. Mai`."""
    return f"am {day}"


def since_day(day: str, *, is_date: bool) -> str:
    """From when on something holds: `seit Dienstag`, `seit dem 5. Mai`."""
    return f"seit dem {day}" if is_date else f"seit {day}"


def joined(parts: Sequence[str]) -> str:
    """Several things in one sentence: `a, b und c`."""
    return " und ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
