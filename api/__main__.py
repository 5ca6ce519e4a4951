"""``python -m api``: the API as a process, with its metrics on a port of their own."""

import gc

import uvicorn

import production
import telemetry
from api.app import create_app
from api.server import configuration
from settings import Settings


def main() -> None:
    """Serve until told to stop; requests in flight are finished first."""
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    telemetry.set_up_logging(settings)
    if settings.mode == "production":
        telemetry.tell_findings(production.findings(settings))
    telemetry.serve_metrics(settings.api_host, settings.api_metrics_port)
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # the modules stay for ever; walking them at every full collection would hold requests up
    uvicorn.Server(configuration(app, settings)).run()


if __name__ == "__main__":
    main()
