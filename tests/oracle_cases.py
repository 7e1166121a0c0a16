"""Exact values that were computed elsewhere, by their names."""

import json
from pathlib import Path

_FILE = Path(__file__).parent / "oracles_public.json"
CASES = {case["id"]: case for case in json.loads(_FILE.read_text(encoding="utf-8"))["cases"]}


def of_group(start):
    """Names of the cases whose group begins like this."""
    return [name for name, case in CASES.items() if case["group"].startswith(start)]
