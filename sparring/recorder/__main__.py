"""`python -m sparring.recorder CONFIG.json`: one recorder, until every writer is gone."""

import asyncio
import sys

from recording.documents import load_document
from recording.errors import InputError
from sparring.recorder.service import RecorderConfig, serve


def main() -> int:
    """Read the configuration, serve, and say what went wrong in one line."""
    try:
        config = load_document(sys.argv[1], RecorderConfig)
        return asyncio.run(serve(config, announce=lambda line: print(line, flush=True)))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
