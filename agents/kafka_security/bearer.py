"""Makes aiokafka hear that a broker refuses a bearer token.

A broker refuses one not by an error but by an answer with content, which the client has to read
(RFC 7628, 3.2.2). aiokafka 0.14 does not, believes to be logged in and works on with a connection
that the broker closes. There is no public way to read the answer, so its class is replaced.
"""

import aiokafka.conn
from aiokafka.errors import SaslAuthenticationFailed


class HearingAuthenticator(aiokafka.conn.OAuthAuthenticator):  # type: ignore[misc] # untyped
    """Fails the login when the broker answers the token with anything."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        """Give the next message of the exchange, or None at its end.

        Raises:
            SaslAuthenticationFailed: the broker does not take the token.
        """
        if payload:
            source = self._sasl_oauth_token_provider
            if hasattr(source, "refused"):
                source.refused()
            msg = "the broker refuses the token"
            raise SaslAuthenticationFailed(msg)
        answer: tuple[bytes, bool] | None = await super().step(payload)
        return answer


def hear_refusals() -> None:
    """Put it in place of aiokafka's own; to do so again changes nothing."""
    aiokafka.conn.OAuthAuthenticator = HearingAuthenticator
