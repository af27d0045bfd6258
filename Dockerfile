# The tool, not a service: docker run --rm -v "$PWD:/work:ro" modeldoctor check .
# Behind a proxy of the registries: --build-arg PYTHON_IMAGE=… --build-arg PIP_INDEX_URL=…
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN python -m venv /opt/modeldoctor \
    && /opt/modeldoctor/bin/pip install --no-cache-dir --disable-pip-version-check /source

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/modeldoctor /opt/modeldoctor
ENV PATH=/opt/modeldoctor/bin:$PATH
# Reading is all it does, so it needs no rights.
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["modeldoctor"]
CMD ["--help"]
