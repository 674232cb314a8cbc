"""What schemathesis is kept from asking, and what it cannot make up by itself."""

import pathlib

import schemathesis
from hypothesis import strategies

# An image, one that is cut off, and what is none.
card = (pathlib.Path(__file__).parents[1] / "fixtures/documents/card.png").read_bytes()
images = strategies.sampled_from([card, card[:60]]) | strategies.binary(max_size=64)
for form in ("image/jpeg", "image/png", "image/webp"):
    schemathesis.openapi.media_type(form, images)


@schemathesis.hook
def filter_query(_context, query):
    """An empty list is nothing in an address, so a request that is wrong by it alone arrives as a right one."""
    return not isinstance(query, dict) or [] not in query.values()


@schemathesis.serializer("message/rfc822")
def mail(_context, value):
    """A mail is sent as it stands."""
    return value if isinstance(value, bytes) else str(value).encode()
