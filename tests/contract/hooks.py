"""What schemathesis is kept from asking."""

import schemathesis


@schemathesis.hook
def filter_query(_context, query):
    """An empty list is nothing in an address, so a request that is wrong by it alone arrives as a right one."""
    return not isinstance(query, dict) or [] not in query.values()
