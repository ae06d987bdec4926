FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BREAKWATER_VAR=/var/lib/breakwater
WORKDIR /srv/breakwater
COPY pyproject.toml requirements.lock README.md ./
RUN pip install --no-cache-dir -c requirements.lock ".[providers]"
COPY manage.py ./
COPY templates templates
COPY tickets tickets
COPY voice voice
COPY triage triage
RUN useradd --system --home-dir /var/lib/breakwater --create-home breakwater \
    && mkdir -p /var/lib/breakwater/static && chown -R breakwater /var/lib/breakwater
USER breakwater
VOLUME /var/lib/breakwater
CMD ["python", "manage.py", "check", "--deploy"]
