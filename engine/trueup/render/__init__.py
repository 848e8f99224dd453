"""Renders plans, findings, outcomes and history: values in, text in several formats out."""
