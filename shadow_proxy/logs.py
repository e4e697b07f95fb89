"""The proxy's own log: text for people, or a JSON object a line for machines.

Knows formats; refuses to know what is logged. Everything goes to standard error. No line holds anything that
a client sent.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Literal

_TEXT = "shadow_proxy %(levelname)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, without a line end."""
        fields: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def set_up_logs(form: Literal["text", "json"]) -> None:
    """Once in each process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
