"""The recorder: journals in, Parquet, live numbers and Prometheus metrics out, in a process of its own."""
