"""The readers under a coverage-guided fuzzer; needs `pip install atheris`.

    python tests/fuzz/fuzz_wire.py -runs=200000 -seed=1        # libFuzzer's options, and corpus folders

Knows atheris and where the seeds are; refuses to know what must hold (`invariants.py`). Ends with a status
other than 0 at the first input that breaks a rule, and writes that input to a file whose name it prints.
"""

import importlib
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import write_seeds, write_words


def main(arguments: list[str]) -> None:
    """Fuzz until the options say that it is enough; does not return."""
    atheris = importlib.import_module("atheris")  # not a requirement: not every platform has it
    with atheris.instrument_imports(include=["wire"]):
        invariants = importlib.import_module("tests.fuzz.invariants")
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        words = Path(folder) / "words"
        write_seeds(corpus)
        write_words(words)
        atheris.Setup([*arguments, f"-dict={words}", str(corpus)], invariants.one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
