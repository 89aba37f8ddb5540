"""Tables as Swift string literals: the compiler takes them at once and the program reads them where they lie."""


def digits(number, count):
    """`number` in `count` characters of 6 bits, the highest first, from "0" on."""
    assert 0 <= number < 64**count, number
    return "".join(chr(48 + (number >> 6 * place & 63)) for place in reversed(range(count)))


def literal(text, width=100):
    """`text`, in which no quote and no number sign may be, as a literal of several lines."""
    assert '"' not in text and "#" not in text
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return '#"""\n' + "".join(f"        {line}\\#\n" for line in lines) + '\n        """#'
