"""SVG elements as safe text.

Knows how to write an element with its attributes escaped and its numbers short and finite; refuses to know
what is drawn. Drawings never hold styles or scripts: the page's style sheet names their classes.
"""

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

Attribute = str | int | float


def element(
    name: str, content: Iterable[str | Markup] | str | Markup = "", **attributes: Attribute
) -> Markup:
    """`<name …>content</name>`; `stroke_width=2` becomes `stroke-width="2"`, `class_` becomes `class`.

    >>> element("text", "a<b", x=1.26)
    Markup('<text x="1.3">a&lt;b</text>')
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items()
    )
    inside = content if isinstance(content, str) else Markup().join(content)
    return Markup(f"<{name}{written}>{escape(inside)}</{name}>")


def drawing(
    content: Iterable[str | Markup], *, width: float, height: float, class_: str, title: str, summary: str
) -> Markup:
    """A whole drawing; `title` and `summary` are what a reader who cannot see it gets instead."""
    named = [element("title", title), element("desc", summary)]
    return element(
        "svg",
        [*named, *content],
        viewBox=f"0 0 {number(width)} {number(height)}",
        class_=class_,
        role="img",
        aria_label=f"{title}. {summary}",
    )


def number(value: float) -> str:
    """At most one decimal; refuses what a browser could not draw."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no place in a drawing")
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0", 1) if abs(value) < 0.05 else _short(value)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _value(value: Attribute) -> str | Markup:
    return escape(value) if isinstance(value, str) else number(value)
