"""The columns of our Parquet files, and the version that says so.

Knows names, types and order of columns; refuses to know how they are filled. Others rely on these; a change
raises `FORMAT_VERSION` and gets a converter. Version 2 added columns that may be null: files of version 1 are
read as they are.
"""

import pyarrow as pa

FORMAT_VERSION = 2

HEADERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
SLICES = pa.map_(pa.string(), pa.string())

TRACE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("at_ns", pa.int64(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("headers", HEADERS, nullable=False),
        pa.field("body", pa.binary(), nullable=False),
        pa.field("session", pa.string()),
        pa.field("label", pa.string()),
        pa.field("slices", SLICES),
        pa.field("status", pa.int16()),
        pa.field("response_headers", HEADERS),
        pa.field("response_body", pa.binary()),
        pa.field("duration_ns", pa.int64()),
        pa.field("body_bytes", pa.int64()),
        pa.field("body_sha256", pa.string()),
    ]
)

EXCHANGE_SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("due_ns", pa.int64(), nullable=False),
        pa.field("sent_ns", pa.int64(), nullable=False),
        pa.field("first_byte_ns", pa.int64(), nullable=False),
        pa.field("done_ns", pa.int64(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("status", pa.int16(), nullable=False),
        pa.field("request_bytes", pa.int64(), nullable=False),
        pa.field("response_bytes", pa.int64(), nullable=False),
        pa.field("response_body", pa.binary()),
        pa.field("prediction", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("label", pa.string()),
        pa.field("faults", pa.list_(pa.string()), nullable=False),
        pa.field("slices", SLICES),
        pa.field("chunks", pa.int32(), nullable=False),
        pa.field("ttft_ns", pa.int64()),
        pa.field("itl_p50_ns", pa.int64()),
        pa.field("itl_p99_ns", pa.int64()),
        pa.field("output_tokens", pa.int32()),
        pa.field("response_sha256", pa.string()),
    ]
)

REFUSED_SCHEMA = pa.schema(
    [
        pa.field("received_ns", pa.int64(), nullable=False),
        pa.field("status", pa.int16(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.binary(), nullable=False),
        pa.field("raw_bytes", pa.int64(), nullable=False),
    ]
)

RESOURCES_SCHEMA = pa.schema(
    [
        pa.field("at_ns", pa.int64(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("cpu_s", pa.float64()),
        pa.field("rss_bytes", pa.int64()),
        pa.field("open_files", pa.int32()),
        pa.field("threads", pa.int32()),
    ]
)

FAULTS_SCHEMA = pa.schema(
    [
        pa.field("fault_id", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("start_ns", pa.int64(), nullable=False),
        pa.field("end_ns", pa.int64(), nullable=False),
        *(
            pa.field(name, pa.int64(), nullable=False)
            for name in (
                "matched", "selected", "injected", "skipped_window", "skipped_probability", "skipped_limit",
                "skipped_not_applicable", "failed",
            )
        ),
    ]
)  # fmt: skip
