# One image for every command: `docker run rootline worker`, `... gateway`, `... doctor`.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/rootline
# Dependencies first: they change less often than the code.
COPY pyproject.toml README.md LICENSE ./
RUN for package in schemas pipeline models agents; do mkdir "$package" && touch "$package/__init__.py"; done \
 && /opt/rootline/bin/pip install --no-cache-dir .
COPY schemas schemas
COPY pipeline pipeline
COPY models models
COPY agents agents
RUN /opt/rootline/bin/pip install --no-cache-dir --no-deps --force-reinstall .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home rootline
COPY --from=build /opt/rootline /opt/rootline
ENV PATH=/opt/rootline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HEALTH_URL=http://127.0.0.1:9464/healthz
# A rootline.toml mounted here is read.
WORKDIR /etc/rootline
USER 10001
EXPOSE 8088 9464
# The worker's health; a gateway's is HEALTH_URL=http://127.0.0.1:8088/healthz.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=3)"]
ENTRYPOINT ["rootline"]
CMD ["worker"]
