"""Verdicts as properties of the tests in a JUnit file that pytest wrote."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from ..stats.verdict import Verdict
from .terminal import printable

PLACE = "shift.place"  # a property that marks a test until the verdicts are known, which is after pytest wrote the file


def add_verdicts(path: Path, names: Sequence[str], verdicts: Sequence[Verdict]) -> None:
    """Replace each test's place, its index in names, by its verdicts: shift.seconds.verdict, .why, .ratio, .p."""
    tree = ElementTree.parse(path)
    by_name: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_name.setdefault(verdict.name, []).append(verdict)
    for properties in tree.iter("properties"):
        for place in properties.findall(f"property[@name='{PLACE}']"):
            properties.remove(place)
            for verdict in by_name.get(names[int(place.attrib["value"])], []):
                _add(properties, verdict)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _add(properties: ElementTree.Element, verdict: Verdict) -> None:
    found = {"verdict": verdict.word, "why": printable(verdict.why)}
    if verdict.comparison:
        found |= {"ratio": f"{verdict.comparison.ratio:.6g}", "p": f"{verdict.p_adjusted:.6g}"}
    for name, value in found.items():
        ElementTree.SubElement(properties, "property", name=f"shift.{verdict.metric}.{name}", value=value)
