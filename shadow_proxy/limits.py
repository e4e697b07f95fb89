"""Bounds and deadlines, with every default written here and only here.

Knows names, units and sane values; refuses to know who keeps to them. Part of the proxy's configuration and
of a rehearsal's.
"""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from recording.documents import Model


class Limits(Model):
    """Bounds, all per worker process. What goes over one is refused or dropped, and counted.

    A connection to a target carries one request at a time, so `…_connections` also bounds the requests in
    flight there; `queued_…` is how many more may wait for a connection.
    """

    head_bytes: PositiveInt = 64 << 10
    head_fields: PositiveInt = 128
    target_bytes: PositiveInt = 16 << 10
    answer_head_bytes: PositiveInt = 128 << 10
    answer_fields: PositiveInt = 256
    request_body_bytes: PositiveInt = 512 << 20
    copy_bytes: PositiveInt = Field(
        default=8 << 20, description="a request with a larger body is not mirrored: dropped/too_large"
    )
    copies_bytes: PositiveInt = Field(
        default=256 << 20,
        description="held at once for copies, in all and for each target: dropped/copy_budget",
    )
    copy_answer_bytes: PositiveInt = Field(
        default=64 << 20, description="a shadow's answer is read up to here, then cancelled"
    )
    copy_answer_bytes_per_s: PositiveInt = Field(
        default=64 << 20, description="of all answers of shadows that are over 128 KiB, together"
    )
    queued_copies: NonNegativeInt = 1024
    queued_requests: NonNegativeInt = 1024
    primary_connections: PositiveInt = 1024
    shadow_connections: PositiveInt = 256
    client_connections: PositiveInt = 4096
    recorded_request_bytes: NonNegativeInt = 1 << 20
    recorded_answer_bytes: NonNegativeInt = 1 << 20
    journal_unread_bytes: PositiveInt = 4 << 30
    journal_segment_bytes: PositiveInt = 64 << 20
    access_log_unwritten_bytes: PositiveInt = 4 << 20


class Deadlines(Model):
    """Absolute deadlines in seconds; none starts again because a byte came."""

    client_idle_s: PositiveFloat = 75.0
    client_head_s: PositiveFloat = 15.0
    client_body_s: PositiveFloat = 120.0
    client_read_s: PositiveFloat = 60.0
    client_handshake_s: PositiveFloat = 10.0
    connect_s: PositiveFloat = 5.0
    first_byte_s: PositiveFloat = 60.0
    total_s: PositiveFloat = 600.0
    pooled_idle_s: PositiveFloat = 4.0
    linger_s: PositiveFloat = 2.0
    drain_s: PositiveFloat = 30.0
    journal_sync_s: PositiveFloat = 0.5
    journal_segment_s: PositiveFloat = 60.0


class BreakerConfig(Model):
    """When a shadow gets no more copies for a while, and when it gets them again.

    `failures` exchanges in a row without an answer (refused, reset, timed out, not HTTP) eject it for
    `open_s`, twice as long each time up to `max_open_s`; then `probes` copies are let through, and if all are
    answered it is readmitted. An answer with an error status is an answer.
    """

    failures: PositiveInt = 20
    open_s: PositiveFloat = 1.0
    max_open_s: PositiveFloat = 60.0
    probes: PositiveInt = 3
