"""The health endpoint as a service, up as long as the application is."""

from mode import Service

from agents.health import HealthServer


class HealthService(Service):
    """Serves metrics and health, also while Kafka is away."""

    def __init__(self, server: HealthServer) -> None:
        super().__init__()
        self.server = server

    async def on_start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self.server.start()

    async def on_stop(self) -> None:
        """Stop listening."""
        await self.server.stop()
