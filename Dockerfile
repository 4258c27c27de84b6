# syntax=docker/dockerfile:1
# One image for every role: docker run ivigilant listen | work | beat | serve | db upgrade

FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/ivigilant
ENV PATH=/opt/ivigilant/bin:$PATH
WORKDIR /source
# requirements-apprise.txt adds the library for destinations of the kind apprise, requirements-otel.txt that for traces
ARG REQUIREMENTS=requirements.txt
COPY ${REQUIREMENTS} .
RUN pip install --require-hashes --no-deps -r ${REQUIREMENTS}
COPY . .
RUN pip install --no-deps --no-build-isolation --no-index . && python -m compileall -q /opt/ivigilant

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/ivigilant --create-home ivigilant
COPY --from=build /opt/ivigilant /opt/ivigilant
ENV PATH=/opt/ivigilant/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /var/lib/ivigilant
EXPOSE 2575 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["ivigilant"]
CMD ["--help"]
