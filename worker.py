"""The worker: carries out workflows and activities. `python -m worker`, as many as you like."""

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import production
import telemetry
from activities.abandoned_checkouts import AbandonedCheckouts
from activities.catalogue import Prices
from activities.catching_up import CatchUp
from activities.collecting import Collecting
from activities.conversions import Conversions
from activities.customers import Customers
from activities.disputes import Disputes
from activities.emails import Emails
from activities.forgetting import Forgetting
from activities.gateway import Stripe, open_stripe
from activities.identities import Identities
from activities.new_cards import NewCards
from activities.paid_periods import PaidPeriods
from activities.patience import PatienceInterceptor
from activities.payments import Payments
from activities.plan_changes import PlanChanges
from activities.pulse import PulseInterceptor
from activities.reconciliation import Comparison
from activities.records import Records
from activities.refunds import Refunds
from activities.retention import Retention
from activities.second_subscriptions import SecondSubscriptions
from activities.sign_up import SignUp
from database.cache import Cache, open_cache
from database.session import make_engine
from lifecycle.plans import load_catalogue
from settings import Settings
from workflows.connection import connect_patiently, patiently
from workflows.door import Door
from workflows.promises import Promises
from workflows.reconciling import Reconciler, Rounds
from workflows.relay import Relay
from workflows.subscription import SubscriptionWorkflow
from workflows.upkeep import (
    CatchUpWorkflow,
    IdentitiesWorkflow,
    ReconciliationWorkflow,
    RetentionWorkflow,
    SweepWorkflow,
    keep_schedules,
)
from workflows.vanishing import Vanishing

DRAIN = timedelta(seconds=20)
"""How long activities may finish when the worker is told to stop; after that another worker tries them again."""

UPKEEP = [SweepWorkflow, CatchUpWorkflow, IdentitiesWorkflow, ReconciliationWorkflow, RetentionWorkflow]

SANDBOX = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        # Pure of clocks, randomness and input, or never called from a workflow; loading them again for each cold
        # workflow would cost 30 ms and 120 kB. What the sandbox would forbid in our own workflows, a test forbids:
        # tests/workflows/test_determinism.py.
        "pydantic", "pydantic_core", "pydantic_settings", "annotated_types", "typing_extensions",
        "lifecycle", "workflows", "activities", "database", "settings", "telemetry",
        "sqlalchemy", "stripe", "structlog", "orjson", "jinja2", "mrml", "aiosmtplib", "prometheus_client", "redis",
    )
)  # fmt: skip


def make_worker(
    client: Client,
    settings: Settings,
    engine: AsyncEngine,
    stripe_client: Stripe,
    cache: Cache | None = None,
    **options: object,
) -> Worker:
    """Every workflow and every activity, wired to the clients that activities use."""
    return Worker(
        client,
        task_queue=settings.temporal_task_queue,
        workflows=[SubscriptionWorkflow, *UPKEEP],
        activities=[*_life(settings, engine, stripe_client, cache), *_upkeep(client, settings, engine, stripe_client)],
        interceptors=[PatienceInterceptor(), PulseInterceptor()],
        workflow_runner=SANDBOX,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=DRAIN,
        **options,  # type: ignore[arg-type]
    )


def _life(
    settings: Settings, engine: AsyncEngine, stripe_client: Stripe, cache: Cache | None
) -> list[Callable[..., Any]]:
    """What a subscription's own workflow does."""
    prices, catalogue = Prices(stripe_client), load_catalogue(settings.plans_file)
    sign_up = SignUp(stripe_client, engine, Customers(stripe_client, engine, settings), prices)
    payments = Payments(stripe_client, engine, catalogue)
    plan_changes = PlanChanges(stripe_client, prices)
    records = Records(
        engine,
        catalogue,
        continue_as_new_after_events=settings.continue_as_new_after_events,
        lets_travel_in_time=settings.lets_travel_in_time,
        cache=cache,
    )
    effects: list[Callable[..., Any]] = [sign_up.subscribe, plan_changes.change_plan, payments.cancel, payments.resume]
    new_cards = NewCards(stripe_client)
    disputes, refunds = Disputes(stripe_client, engine), Refunds(stripe_client)
    seconds = SecondSubscriptions(stripe_client, refunds)
    forgetting = Forgetting(stripe_client, engine, settings, seconds)
    collecting, conversions = Collecting(stripe_client), Conversions(stripe_client)
    effects += [collecting.stop, collecting.again, conversions.convert, conversions.move_trial_end]
    effects += [sign_up.has_card, sign_up.give_up_waiting, plan_changes.drop_superseded]
    effects += [PaidPeriods(stripe_client).of_period]
    effects += [seconds.take_back]
    effects += [refunds.find, refunds.give, refunds.fetch, forgetting.end_in_stripe, forgetting.anonymise]
    effects += [AbandonedCheckouts(stripe_client, engine, catalogue).abandoned]
    looks: list[Callable[..., Any]] = [payments.fetch, disputes.fetch, disputes.find_owners]
    return [*looks, *effects, new_cards.use_card, records.begin, records.save]


def _upkeep(client: Client, settings: Settings, engine: AsyncEngine, stripe_client: Stripe) -> list[Callable[..., Any]]:
    """What is done for everybody, and the letters, which either side may send."""
    emails = Emails(engine, settings)
    relay = Relay(engine, client, settings)
    door = Door(client, settings.temporal_task_queue)
    promises, vanishing = Promises(engine, door), Vanishing(engine, door, settings)
    identities = Identities(stripe_client, engine)
    catch_up = CatchUp(stripe_client, engine)
    retention = Retention(engine, settings)
    comparison = Comparison(stripe_client, engine, load_catalogue(settings.plans_file))
    reconciler = Reconciler(comparison, engine, client, settings.temporal_task_queue)
    rounds = Rounds(reconciler, engine, every_seconds=settings.reconcile_seconds)
    sweeping: list[Callable[..., Any]] = [emails.sweep, relay.sweep, promises.keep]
    sweeping += [identities.follow, vanishing.forget]
    return [emails.send, *sweeping, catch_up.catch_up, retention.discard, rounds.walk]


async def run(settings: Settings) -> None:
    """Connect, keep the schedules, and work until told to stop."""
    telemetry.serve_metrics(settings.api_host, settings.worker_metrics_port)
    runtime = telemetry.make_temporal_runtime(f"{settings.api_host}:{settings.worker_temporal_metrics_port}")
    client = await connect_patiently(settings, runtime=runtime)
    await patiently(partial(keep_schedules, client, settings))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    log = structlog.get_logger("worker")
    engine = make_engine(settings, application_name="perennial-worker")
    async with (
        open_stripe(settings) as stripe_client,
        open_cache(settings) as cache,
        make_worker(client, settings, engine, stripe_client, cache),
    ):
        log.info("worker_started", task_queue=settings.temporal_task_queue, namespace=client.namespace)
        await stop.wait()
        log.info("worker_draining")
    await engine.dispose()


def main() -> None:
    """The entry point of the process."""
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    telemetry.set_up_logging(settings)
    if settings.mode == "production":
        telemetry.tell_findings(production.findings(settings))
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
