"""`python -m shadow_proxy CONFIG.json`: the shadow proxy as processes of its own.

Prints one line of JSON when it serves, drains on SIGTERM and SIGINT, exits 0; exits 2 with a message that
names the line for a configuration that cannot be used.
"""

import argparse
import logging
import sys
from pathlib import Path

from recording.documents import load_document
from recording.errors import InputError
from shadow_proxy.config import ProxyConfig
from shadow_proxy.parent import run_parent

USAGE_ERROR = 2


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="shadow_proxy", description="The shadow proxy, without the rest.")
    parser.add_argument("config", type=Path, help="ProxyConfig as JSON or YAML")
    path: Path = parser.parse_args().config
    logging.basicConfig(level=logging.INFO, format="shadow_proxy %(levelname)s: %(message)s")
    try:
        config = load_document(path, ProxyConfig)
        if config.mirror == 0:
            logging.getLogger(__name__).warning("mirror is 0: no shadow gets a copy of anything")
        run_parent(config, config_path=path)
    except InputError as error:
        print(f"shadow_proxy: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
