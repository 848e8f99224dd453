"""Explains a plan by the data that it was made from: rows, fields, rules, ledger, money."""
