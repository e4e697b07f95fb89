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
from shadow_proxy.logs import set_up_logs
from shadow_proxy.parent import run_parent

USAGE_ERROR = 2


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="shadow_proxy", description="The shadow proxy, without the rest.")
    parser.add_argument("config", type=Path, help="ProxyConfig as JSON or YAML")
    parser.add_argument(
        "--reload-above", action="store_true", help="a reload begins in the process that started this one"
    )
    parser.add_argument("--show-config", action="store_true", help="print every setting and end")
    given = parser.parse_args()
    try:
        config = load_document(given.config, ProxyConfig)
        if given.show_config:
            print(config.model_dump_json(indent=2))
            return 0
        set_up_logs(config.log_format)
        if config.mirror == 0:
            logging.getLogger(__name__).warning("mirror is 0: no shadow gets a copy of anything")
        run_parent(config, config_path=given.config, ask_above=given.reload_above)
    except InputError as error:
        print(f"shadow_proxy: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
