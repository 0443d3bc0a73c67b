"""How what authors write in Markdown is shown: as the few elements of a text, whatever they put into it.

Raw HTML is text here, an image a link to it, headings begin below those of the page. What markdown-it makes is
filtered once more by an allow-list: no page of ours rests on one parser being right.
"""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"),
    *("strong", "em", "blockquote", "code", "pre", "a"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto", "tel"}

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")


@lru_cache(maxsize=1024)
def rendered(text: str, below: int = 2) -> Markup:
    """Markdown as HTML that can stand in any page; "" of nothing. `below`: the level of the heading under which it
    stands, so that `#` is one deeper."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + below)}"
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return Markup(  # noqa: S704 (cleaned by an allow-list)
        nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow")
    )
