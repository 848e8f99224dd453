"""Plan documents that differ from what the engine writes, with a digest that fits."""

from hashlib import sha256


def with_digest(text: str) -> str:
    """Returns a document that begins with its format, with the digest of its bytes behind it."""
    start = text.index("\n", 2) + 1
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f'{text[:start]} "digest": "{digest}",\n{text[start:]}'
