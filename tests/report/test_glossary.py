"""Every verdict and every term of the page is explained once."""

from judge.status import EXIT_CODES
from report.glossary import GLOSSARY, VERDICTS


def test_each_verdict_has_its_sentence() -> None:
    assert set(VERDICTS) == set(EXIT_CODES)


def test_each_term_says_and_does_not_say() -> None:
    assert len({term.name for term in GLOSSARY}) == len(GLOSSARY)
    assert all(term.says.endswith(".") and term.does_not_say.endswith(".") for term in GLOSSARY)
