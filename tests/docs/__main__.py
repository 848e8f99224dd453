"""`python -m tests.docs`: writes the generated parts of the reference pages."""

import sys

from tests.docs.generated import DOCS, refreshed

for page in sorted(DOCS.rglob("*.md")):
    before = page.read_text(encoding="utf-8")
    after = refreshed(before)
    if after != before:
        page.write_text(after, encoding="utf-8")
        sys.stdout.write(f"{page.relative_to(DOCS.parent)}\n")
