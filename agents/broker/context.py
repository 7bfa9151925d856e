"""What a request handler is told besides the request's own fields."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.broker.wire import Message

# The one node of this cluster.
NODE_ID = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a request came from; `host` and `port` are our own end of that connection.

    They are what metadata advertises: an address at which this client does reach us.
    """

    version: int
    client_id: str
    client_host: str
    host: str
    port: int


Respond = Callable[[Message, Context], Awaitable[Message | None]]
