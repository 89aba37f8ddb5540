#!/usr/bin/env python3
"""Makes Sources/Formats/CLIPTokenizers/Tables/HTMLEntityTable.swift from the list of the HTML standard that Python has.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/generate/make_html_entities.py
"""

import html.entities
from pathlib import Path

from ftfy.chardata import HTML_ENTITIES
from swift_literals import digits

OUT = Path(__file__).resolve().parents[2] / "Sources/Formats/CLIPTokenizers/Tables" / "HTMLEntityTable.swift"


def main():
    rows = {}
    for name, value in html.entities.html5.items():
        bare = name.removesuffix(";")
        rows[bare] = ("1" if bare in html.entities.html5 else "0", value)
    for name, value in HTML_ENTITIES.items():
        rows.setdefault(name[1:-1], ("2", value))
    lines = [
        f"{name} {flag}" + "".join(digits(ord(scalar), 4) for scalar in value)
        for name, (flag, value) in sorted(rows.items())
    ]
    assert all("\\" not in line or "\\#" not in line for line in lines)
    OUT.write_text(
        "// Made by Scripts/generate/make_html_entities.py: don't edit.\n"
        "// Facts of the HTML standard, section 13.5, and the names in capitals that ftfy knows beyond it.\n\n"
        "enum HTMLEntityTable {\n"
        "    /// A line an entity, in order of the names: name, space, 1 if it needs no semicolon, 2 if only ftfy knows it,\n"
        "    /// else 0, then its scalars as numbers of 4 characters of 6 bits from \"0\" on.\n"
        '    static let lines: StaticString = #"""\n'
        + "".join(f"        {line}\n" for line in lines)
        + '        """#\n}\n',
        encoding="utf-8",
    )


main()
