"""What a scenario did, as rows: one fault and window each, with the counts that the proxy kept.

Knows the scenario file and the proxy's accounting; refuses to inject anything. The report draws its bands
from these rows.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from recording.parquet import DurableParquet
from recording.schema import FAULTS_SCHEMA
from scenarios.scenario import Scenario

_COUNTS = FAULTS_SCHEMA.names[5:]


def write_fault_windows(path: Path, scenario: Scenario, *, counts: dict[str, Any], end_ns: int) -> None:
    """One row per fault; a window without an end is closed at `end_ns`, the end of the run."""
    rows = []
    for fault in scenario.faults:
        counted = counts.get(fault.id, {})
        rows.append(
            {
                "fault_id": fault.id,
                "type": fault.type,
                "target": str(fault.target),
                "start_ns": fault.window.from_ns,
                "end_ns": min(fault.window.to_ns, max(end_ns, fault.window.from_ns)),
                **{name: int(counted.get(name, 0)) for name in _COUNTS},
            }
        )
    with DurableParquet(path, FAULTS_SCHEMA) as file:
        file.write(pa.Table.from_pylist(rows, schema=FAULTS_SCHEMA))
