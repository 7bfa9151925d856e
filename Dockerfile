# One image for every command: `docker run rootline worker`, `... gateway`, `... doctor`.
# It needs no writable root file system: nothing is written but to /var/lib/rootline, and /tmp where a tmpfs is given.
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/rootline
# Dependencies first: they change less often than the code.
COPY pyproject.toml README.md LICENSE ./
RUN for package in schemas pipeline models agents; do mkdir "$package" && touch "$package/__init__.py"; done \
 && pip --python /opt/rootline/bin/python install --no-cache-dir .
COPY schemas schemas
COPY pipeline pipeline
COPY models models
COPY agents agents
RUN pip --python /opt/rootline/bin/python install --no-cache-dir --no-deps --force-reinstall . \
 && /opt/rootline/bin/python -m compileall -q /opt/rootline/lib

FROM python:${PYTHON}
# Numbers, so that an orchestrator can tell that it is not root. What installs packages is taken out of the image.
RUN groupadd --system --gid 10001 rootline \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin rootline \
 && install --directory --owner 10001 --group 10001 --mode 0750 /var/lib/rootline \
 && find /usr/local/bin /usr/local/lib/python3* -maxdepth 2 \( -name 'pip*' -o -name 'ensurepip' -o -name 'setuptools*' -o -name 'wheel*' \) \
    -exec rm -rf {} +
COPY --from=build /opt/rootline /opt/rootline
ENV PATH=/opt/rootline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ROOTLINE_CASES__LIBRARY_DIR=/var/lib/rootline/cases \
    ROOTLINE_BROKER__DATA_DIR=/var/lib/rootline/broker \
    HEALTH_URL=http://127.0.0.1:9464/healthz
VOLUME ["/var/lib/rootline"]
# A rootline.toml mounted here is read.
WORKDIR /etc/rootline
USER 10001:10001
EXPOSE 8088 9464
# The worker's health; a gateway's is HEALTH_URL=http://127.0.0.1:8088/healthz.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=3)"]
ENTRYPOINT ["rootline"]
CMD ["worker"]
