"""The whole system on one machine: the outside world first, then what it needs, then the product.

PostgreSQL ─ database, Better-Auth, migrations, people ─┐
Temporal, Redis ─────────────────────────────────────────┤
local Stripe ─ catalogue, webhook endpoint ──────────────┼─ API, worker
mailbox ─────────────────────────────────────────────────┘
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from activities.catalogue import push_catalogue
from activities.gateway import open_stripe
from database.session import migrate
from lifecycle.plans import load_catalogue
from local import accounts, betterauth, configuration, webhook_endpoint
from local.parts import Part
from local.ports import HOST
from local.postgres import Postgres
from local.programs import Api, LocalStripe, Mailbox, Worker
from local.progress import Steps
from local.state import State, write_private
from local.supervision import Supervision, together
from local.temporal import Temporal
from local.valkey import Valkey

_PASSWORDS = {accounts.OWNER: "database_password", accounts.SERVICE: "service_password"}
"""Where the state folder keeps the password of each role."""


@dataclass
class Stack:
    """One stack on one state folder. ``start`` returns when everything answers; ``stop`` when nothing is left."""

    state: State
    ports: Mapping[str, int]
    supervision: Supervision
    people: list[betterauth.SignedInUser] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    _product: list[Part] = field(default_factory=list)

    async def start(self, steps: Steps) -> None:
        """Bring everything up, as much as possible at the same time."""
        self.environment = self._environment()
        await together(
            self._postgres(steps), self._temporal(steps), self._stripe(steps), self._mailbox(steps), self._redis(steps)
        )
        self.environment = self._environment()
        api = Api(self.environment, log=self.state.log("api"), port=self.ports["api"])
        worker = Worker(
            self.environment, log=self.state.log("worker"), temporal_metrics_port=self.ports["worker_temporal_metrics"]
        )
        self._product = [worker, api]
        await together(self._run(api, steps), self._run(worker, steps))
        write_private(self.state.stack_file, self.description())

    async def stop(self) -> None:
        """The worker drains first, then the API; the outside world leaves last."""
        for part in self._product:
            await self.supervision.stop(part)
        await self.supervision.stop()

    @property
    def app_environment(self) -> dict[str, str]:
        """What the web app would have: its users are in tables that the service may not write."""
        return {"APP_DATABASE_URL": self.database_of(accounts.OWNER)}

    @property
    def addresses(self) -> dict[str, str]:
        """Where everything is, by name, as ``stack.json`` says it."""
        web = {name: f"http://{HOST}:{port}" for name, port in self.ports.items()}
        return {
            "api": web["api"],
            "api_docs": f"{web['api']}/docs",
            "temporal": f"{HOST}:{self.ports['temporal']}",
            "temporal_ui": f"{web['ui']}/namespaces/billing",
            "stripe": web["stripe"],
            "mailbox": web["mail"],
            "smtp": f"{HOST}:{self.ports['smtp']}",
            "postgres": f"{HOST}:{self.ports['postgres']}",
            "redis": f"{HOST}:{self.ports['redis']}",
            "api_metrics": f"{web['metrics']}/metrics",
            "worker_metrics": f"{web['worker_metrics']}/metrics",
            "worker_temporal_metrics": f"{web['worker_temporal_metrics']}/metrics",
        }

    def description(self) -> dict[str, Any]:
        """What other programs on this machine need to use the stack; it holds secrets."""
        ours = {name: value for name, value in self.environment.items() if name.startswith("PERENNIAL_")}
        people = {person.email.partition("@")[0]: asdict(person) for person in self.people}
        return {"addresses": self.addresses, "users": people, "environment": ours | self.app_environment}

    async def _postgres(self, steps: Steps) -> None:
        postgres = Postgres(
            self.state.directory / "postgres", port=self.ports["postgres"], log=self.state.log("postgres")
        )
        await self._run(postgres, steps)
        with steps.step("database, migrations, demo users"):
            await asyncio.to_thread(self._fill_database, postgres.url)

    def _fill_database(self, superuser_url: str) -> None:
        passwords = {role: self.state.secret(secret) for role, secret in _PASSWORDS.items()}
        accounts.create_database(superuser_url, passwords)
        url = self.database_of(accounts.OWNER)
        betterauth.create_tables(url)
        migrate(url, accounts.SERVICE)
        self.people = accounts.sign_in_people(url, self.state.secret("auth_secret"))

    def database_of(self, role: str) -> str:
        """The database's address for the owner or the service."""
        return accounts.address(self.ports["postgres"], role, self.state.secret(_PASSWORDS[role]))

    async def _temporal(self, steps: Steps) -> None:
        temporal = Temporal(
            log=self.state.log("temporal"),
            port=self.ports["temporal"],
            ui_port=self.ports["ui"],
            database=self.state.directory / "temporal.db",
        )
        await self._run(temporal, steps)
        await temporal.keep_ended_workflows()

    async def _stripe(self, steps: Steps) -> None:
        part = LocalStripe(self.state.directory / "stripe", log=self.state.log("stripe"), port=self.ports["stripe"])
        await self._run(part, steps)
        with steps.step("plan catalogue, webhook endpoint"):
            settings = configuration.settings(self.environment)
            async with open_stripe(settings) as client:
                await push_catalogue(client, load_catalogue(settings.plans_file))
                await webhook_endpoint.register(client, f"{self.addresses['api']}/billing/webhooks/stripe", self.state)

    async def _mailbox(self, steps: Steps) -> None:
        await self._run(
            Mailbox(
                self.state.directory / "mailbox",
                log=self.state.log("mailbox"),
                port=self.ports["mail"],
                smtp_port=self.ports["smtp"],
            ),
            steps,
        )

    async def _redis(self, steps: Steps) -> None:
        await self._run(self._valkey(), steps)

    def _valkey(self) -> Valkey:
        return Valkey(
            self.state.directory / "redis",
            port=self.ports["redis"],
            password=self.state.secret("redis_password"),
            log=self.state.log("redis"),
        )

    async def _run(self, part: Part, steps: Steps) -> None:
        part.pid_file, part.lock = self.state.pid_file(part.log.stem), self.state.lock
        with steps.step(part.name):
            await self.supervision.start(part)

    def _environment(self) -> dict[str, str]:
        return configuration.environment(
            self.ports,
            database_url=self.database_of(accounts.SERVICE),
            redis_url=self._valkey().url,
            stripe_key="sk_test_" + self.state.secret("stripe_key"),
            auth_secret=self.state.secret("auth_secret"),
            webhook_secret=self.state.known_secret("webhook_secret") or "",
        )
