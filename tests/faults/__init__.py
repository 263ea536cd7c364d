"""Proof under faults and attack: ``python -m tests.faults kill|time|platform|fuzz``; short versions run with the other tests."""
