# syntax=docker/dockerfile:1
# One image, two commands: `python -m api` (the default) and `python -m worker`; `perennial migrate` prepares the schema.
# The stand-ins of a single machine (`local/`) are not in it.

FROM python:3.13.16-slim-trixie AS dependencies
COPY requirements-runtime.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --no-compile \
        --require-hashes --requirement /requirements-runtime.lock \
    && /venv/bin/pip uninstall --yes --quiet pip

FROM python:3.13.16-slim-trixie
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin perennial
COPY --from=dependencies /venv /venv
COPY --chmod=755 <<'SCRIPT' /venv/bin/perennial
#!/venv/bin/python
from cli import main

main()
SCRIPT
WORKDIR /app
COPY plans.toml settings.py production.py telemetry.py cli.py worker.py ./
COPY lifecycle lifecycle
COPY database database
COPY activities activities
COPY workflows workflows
COPY api api
COPY commands commands
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PERENNIAL_API_HOST=0.0.0.0 \
    PERENNIAL_LOG_FORMAT=json
RUN python -m compileall -q /app /venv
USER 10001:10001
EXPOSE 8000 9464 9465 9466
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as r; tls = os.environ.get('PERENNIAL_API_TLS_CERTIFICATE'); r.urlopen(f\"http{'s' if tls else ''}://127.0.0.1:{os.environ.get('PERENNIAL_API_PORT', 8000)}/healthz\", timeout=2, context=ssl._create_unverified_context() if tls else None)"]
CMD ["python", "-m", "api"]
