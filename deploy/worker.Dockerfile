# The worker, and every other `webcare` command: docker build -f deploy/worker.Dockerfile -t webcare-stream .

# The full image has a compiler, for platforms that a dependency has no wheel for; nothing of it goes into the result.
FROM python:3.12 AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir uv
WORKDIR /build
# The locked dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN UV_PROJECT_ENVIRONMENT=/opt/webcare uv sync --locked --no-dev --no-install-project
COPY README.md LICENSE ./
COPY schemas schemas
COPY pipeline pipeline
COPY agents agents
COPY deploy deploy
RUN UV_PROJECT_ENVIRONMENT=/opt/webcare uv sync --locked --no-dev --no-editable

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home webcare
COPY --from=build /opt/webcare /opt/webcare
ENV PATH=/opt/webcare/bin:$PATH PYTHONUNBUFFERED=1 WEBCARE_WEB_HOST=0.0.0.0 WEBCARE_WEB_PORT=6066
USER 10001
EXPOSE 6066
# Alive is enough here: a worker that waits for its broker is not ready, and must not be restarted for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['WEBCARE_WEB_PORT']}/livez\", timeout=4)"]
ENTRYPOINT ["webcare"]
CMD ["worker"]
