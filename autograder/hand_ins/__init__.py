"""Notebooks that anyone may have written: read, matched with the released one, looked over, repaired."""
