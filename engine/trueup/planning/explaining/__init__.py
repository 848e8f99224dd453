"""Explains a plan from what it was made from: rows, fields, rules, ledger lines, money, totals."""
