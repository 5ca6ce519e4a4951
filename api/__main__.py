"""``python -m api``: the API as a process, with its metrics on a port of their own."""

import gc

import uvicorn

import telemetry
from api.app import create_app
from settings import Settings

DRAIN_SECONDS = 15


def main() -> None:
    """Serve until told to stop; requests in flight are finished first."""
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    telemetry.set_up_logging(settings)
    telemetry.serve_metrics(settings.api_host, settings.api_metrics_port)
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # the modules stay for ever; walking them at every full collection would hold requests up
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,  # every request has its own line from `api.envelope`
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


if __name__ == "__main__":
    main()
