"""The form in a real front process whose database has no table: it is served, kept on disk, and confirmed."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import re
import django
django.setup()
from django.test import Client
client = Client()
page = client.get("/help/")
nonce = re.search(r'name="nonce" value="([^"]+)"', page.content.decode())[1]
sent = {"nonce": nonce, "email": "jo@example.org", "subject": "s", "message": "kept?", "language": "en"}
for _ in range(2):
    answer = client.post("/help/", sent)
    print(page.status_code, answer.status_code, client.get(answer.url).status_code)
"""


def test_the_form_works_on_front_without_a_database(tmp_path: Path):
    env = {**os.environ, "BREAKWATER_ROLE": "front", "BREAKWATER_VAR": str(tmp_path), "ALLOWED_HOSTS": "testserver"}
    env = {**env, "DJANGO_SETTINGS_MODULE": "triage.settings", "DATABASE_URL": ""}
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["200 302 200"] * 2, done.stderr
    (kept,) = (tmp_path / "spool").glob("*.json")
    assert "kept?" in kept.read_text()
