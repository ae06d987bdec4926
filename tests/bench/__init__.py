"""Benchmarks: each measures a hot path beside a limit or a peer in the same run, and prints their ratio."""
