"""Plans, findings, outcomes and history as text, JSON, Markdown and CSV: values in, strings out."""
