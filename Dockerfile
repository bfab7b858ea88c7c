# Sojourn in a container. See docs/howto/deploy.md.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/sojourn
COPY requirements.lock ./
RUN /opt/sojourn/bin/pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY scripts ./scripts
COPY console ./console
COPY src ./src
RUN /opt/sojourn/bin/pip install --quiet --no-deps .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/sojourn --create-home sojourn
COPY --from=build /opt/sojourn /opt/sojourn
ENV PATH=/opt/sojourn/bin:$PATH SOJOURN_DATA_DIR=/var/lib/sojourn SOJOURN_HOST=0.0.0.0 PYTHONUNBUFFERED=1
USER sojourn
WORKDIR /var/lib/sojourn
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('SOJOURN_PORT', '8080') + '/v1/alive', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["sojourn"]
CMD ["serve"]
