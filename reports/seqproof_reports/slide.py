"""The ladder for slides: one SVG file that any program draws alike, also one that knows little of CSS.

The pictures of a page take their colours from variables, follow a dark setting, and paint the halo of a text beneath
it. Programs for slides and documents do none of that: they draw black, or a halo over its text. So here each variable
is its light colour, the dark setting is left out, and a halo is a text of its own, drawn first. Fonts are named with
what stands in for them; the title and the description are for those who listen.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from seqproof_model.verdict import Counterexample
from seqproof_reports.ladder import ladder_svg
from seqproof_reports.svg import LIGHT

SVG = "http://www.w3.org/2000/svg"
VARIABLE = re.compile(r"var\(--([a-z]+)\)")
DARK = re.compile(r"@media\([^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
SETTING = re.compile(r"--[a-z]+:[^;}]*;?")
EMPTY = re.compile(r"[^{}]*\{\}")
WIDTH = "4"  # px: how far a halo reaches


def slide_svg(found: Counterexample) -> str:
    """Draw a counterexample's ladder as a standalone SVG. The same counterexample gives the same bytes."""
    title = f"{found.violation.requirement}: {found.header.target}"
    picture = ladder_svg(found.events, header=found.header, title=title, violation=found.violation)
    return plain(picture)


def plain(picture: str) -> str:
    """Make an SVG of this package one that needs no variables, no setting and no order of painting."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(picture)  # noqa: S314 - drawn here
    for style in root.iter(f"{{{SVG}}}style"):
        style.text = _style(style.text or "")
    _halos(root, bad=False, bare=False)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _style(css: str) -> str:
    """The style with every colour in its place. A halo's own variable is gone with its setting."""
    without = re.sub(r"\.sq text\{[^}]*\}", "", DARK.sub("", css))
    return EMPTY.sub("", SETTING.sub("", VARIABLE.sub(_colour, without))).replace("fill:transparent", "fill:none")


def _colour(found: re.Match[str]) -> str:
    return LIGHT.get(found.group(1), LIGHT["paper"])


def _halos(parent: Element, *, bad: bool, bare: bool) -> None:
    """Put a halo before each text that had one: of the ground that the text stands on."""
    for child in list(parent):
        words = (child.get("class") or "").split()
        on_red, without = bad or "bad" in words, bare or "bare" in words
        if child.tag == f"{{{SVG}}}text" and not without:
            parent.insert(list(parent).index(child), _halo(child, LIGHT["redbg" if on_red else "paper"]))
        else:
            _halos(child, bad=on_red, bare=without)


def _halo(text: Element, colour: str) -> Element:
    halo = Element(text.tag, dict(text.attrib))
    halo.text = text.text
    style = f"fill:{colour};stroke:{colour};stroke-width:{WIDTH};stroke-linejoin:round"
    halo.attrib |= {"style": style, "aria-hidden": "true"}
    for part in text:
        halo.append(part)
    return halo
