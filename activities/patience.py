"""How long to wait before trying again, when Stripe names a time."""

from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.gateway import StripeAway


class PatienceInterceptor(Interceptor):
    """Turns Stripe's ``Retry-After`` into the delay before Temporal's next attempt."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap every activity."""
        return _Patient(next)


class _Patient(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except StripeAway as away:
            if away.retry_after is None:
                raise
            delay = timedelta(seconds=away.retry_after)
            raise ApplicationError(str(away), type="StripeAway", next_retry_delay=delay) from None
