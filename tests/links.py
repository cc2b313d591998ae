"""Links that may be followed, and those that may not."""

from typing import Final

GOOD: Final = (
    "/shop/cart", "shop", "", "?q=1", "#top", "./a:b", "/a:b", "https://shop.example", "HTTPS://shop.example/a?b=c#d",
    "http://localhost:8000/x", "mailto:anna@shop.example", "tel:+4930123", "/caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "a/b//c", "https://shop.example//x", "/%0Ajavascript:alert(1)",
)  # fmt: skip
BAD: Final = (
    "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "java\tscript:alert(1)", "java\rscript:alert(1)",
    " javascript:alert(1)", "\x00javascript:alert(1)", "\x1fjavascript:alert(1)", "javascript\x00:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:https://x", "file:///etc/passwd", "about:blank",
    "view-source:https://x", "intent://x", "javascript&colon;alert(1):", ":", "x:y", "//evil.example", "/\\evil.example",
    "\\\\evil.example", "\\/evil.example", "/\t/evil.example", "https:evil.example", "https:/evil.example", "https:",
    "https://", "https:///evil.example", "http:\\\\evil.example", "https://shop.example\\@evil.example", "a b",
    "\N{NO-BREAK SPACE}javascript:alert(1)", "java\N{LINE SEPARATOR}script:alert(1)", "\x85javascript:x",
)  # fmt: skip
