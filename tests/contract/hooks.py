"""What schemathesis is kept from asking, and what it does not know how to send."""

import schemathesis


@schemathesis.hook
def filter_query(_context, query):
    """An empty list is nothing in an address, so a request that is wrong by it alone arrives as a right one."""
    return not isinstance(query, dict) or [] not in query.values()


@schemathesis.serializer("message/rfc822")
def mail(_context, value):
    """A mail is sent as it stands."""
    return value if isinstance(value, bytes) else str(value).encode()
