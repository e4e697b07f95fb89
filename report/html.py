"""The report as one page that needs nothing but itself: no scripts, no fonts, no address outside.

Knows the template, its style sheet and where the page is written; refuses to compute facts. The same files
give the same bytes: nothing on the page comes from the clock, the machine or the order of a set.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from recording.run_folder import RunFolder
from report import page_parts
from report.facts import RunFacts, gather
from report.glossary import GLOSSARY, VERDICTS
from report.identities import identities_of
from report.intervals import draw_interval
from report.run_charts import charts_of
from report.wording import count, duration

_PAGE = Path(__file__).parent / "page"


def write_html(folder: Path) -> Path:
    """Write `report.html` into the run's folder, whole or not at all, and say where it is."""
    path = RunFolder(folder).report_html
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(render(gather(folder)), "utf-8")
    partial.replace(path)
    return path


def render(facts: RunFacts) -> str:
    """The page's text."""
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(_PAGE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": count, "duration": duration, "interval": draw_interval}
    style = Markup((_PAGE / "style.css").read_text("utf-8"))
    return environment.get_template("report.html.j2").render(
        facts=facts,
        verdict=facts.verdict,
        parts=page_parts,
        charts=charts_of(facts),
        identities=identities_of(facts),
        meanings=VERDICTS,
        glossary=GLOSSARY,
        style=style,
    )
