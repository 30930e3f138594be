"""A world for one end-to-end test: a temporary folder, a configuration, one real usherd on free ports.

Everything a test does goes through the front doors: HTTP as a customer, the operations listener and usherctl as an
operator, signals as an init system. Processes are ended by their own pid when the world closes.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse

import yaml

from agent_links import agents_over
from servers import Share, backend, free_port

PROGRAMS = pathlib.Path(os.environ.get("USHER_PROGRAMS", "build/dev/bin"))
WAIT_MAX = float(os.environ.get("USHER_WAIT_MAX", "15"))
START_MAX = max(WAIT_MAX, 30)
SHOP_TOKEN = "shop-token-0123456789abcdef0123456789"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def wait_for(look, what, within=WAIT_MAX):
    """Looks until `look()` is true and returns it; the answer to a condition is polled, never slept for."""
    end = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def request(method, url, body=None, headers=None, timeout=WAIT_MAX):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        path = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def default_config():
    return {
        "tenant": "acme",
        "connectors": {
            "contact": {"type": "webform", "per_address_per_minute": 6000},
            "shop": {"type": "http", "token_file": "shop.token"},
        },
        "labels": {"invoice": ["invoice", "refund"], "outage": ["outage", "down"]},
        "queues": {
            "support": {"skills": {"english": 2}, "answer_within": "4h"},
            "billing": {"skills": {"billing": 2}},
        },
        "default_queue": "support",
        "rules": [
            {"name": "French", "when": {"language": "fr"}, "then": {"skills": {"french": 3}}},
            {"name": "Billing", "when": {"label": "invoice"}, "then": {"queue": "billing"}},
            {"name": "Outage", "when": {"label": "outage"}, "then": {"urgency": "critical"}},
        ],
        "agents": {
            "ana": {"name": "Ana", "skills": {"english": 5}, "capacity": {"other": 3, "total": 4},
                    "token_file": "ana.token"},
            "ben": {"name": "Ben", "skills": {"billing": 4, "english": 1}, "capacity": {"other": 3, "total": 4},
                    "token_file": "ben.token"},
            "chloe": {"name": "Chloe", "skills": {"english": 3, "french": 5}, "capacity": {"other": 3, "total": 4},
                      "token_file": "chloe.token"},
        },
        "times": {"offer_timeout": "30s", "session_grace": "2s", "wrap_up": "1s"},
        "missed_offers_max": 5,
        "zmq": {"agents": "off"},
    }


class World:
    def __init__(self, change=None, start=True, share=None, roles=None):
        """`change(config)` edits the default configuration before it is written. `share`: the servers' part of another
        world, to which this one becomes a second node; `roles`: what it does of the work."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-e2e-"))
        self.data = self.folder / "data"
        self.log = self.folder / "usherd.log"
        self.process = None
        self.agents = []
        self.closers = []
        self.config = default_config()
        self.roles = roles
        self.share = share or (Share() if backend() == "kafka" else None)
        if self.share:
            self.share.configure(self.config)
        if change:
            change(self.config)
        self.use_ports(free_port(), free_port())
        self.secret("shop.token", SHOP_TOKEN)
        for agent in self.config["agents"]:
            self.secret(f"{agent}.token", self.token_of(agent))
        self.write_config()
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    # --- set-up -----------------------------------------------------------------------------------------------------
    def use_ports(self, public, ops):
        self.url = f"http://127.0.0.1:{public}"
        self.ops = f"http://127.0.0.1:{ops}"
        self.config["http"] = {"listen": f"127.0.0.1:{public}", "public_url": self.url}
        self.config["ops"] = {"listen": f"127.0.0.1:{ops}"}
        if agents_over() == "zmq":
            self.config.setdefault("zmq", {})["agents"] = f"tcp://127.0.0.1:{free_port()}"

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)

    @staticmethod
    def token_of(agent):
        return f"usher_test-token-of-{agent}-0123456789abcdef0123456789abcdef"

    @property
    def config_file(self):
        return self.folder / "usher.yaml"

    def write_config(self):
        # As an operator should: usherd may be reading the old one at this moment.
        fresh = self.config_file.with_suffix(".fresh")
        fresh.write_text(yaml.safe_dump(self.config, sort_keys=False))
        fresh.replace(self.config_file)

    # --- the process ------------------------------------------------------------------------------------------------
    def spawn(self, data=None):
        if self.share:
            self.share.ensure_topics(PROGRAMS / "usherctl", self.config_file)
        out = open(self.log, "ab")
        roles = ["--roles", self.roles] if self.roles else []
        with out:
            return subprocess.Popen(
                [PROGRAMS / "usherd", "run", "--config", self.config_file, "--data", data or self.data, *roles],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder)

    def start(self):
        self.begin()
        self.wait_ready()

    def begin(self):
        self.process = self.spawn()

    def wait_ready(self):
        wait_for(self.ready_or_dead, "usherd is ready", START_MAX)

    def ready_or_dead(self):
        if self.process.poll() is not None:
            raise AssertionError(f"usherd ended with {self.process.returncode}:\n{self.log_text()[-3000:]}")
        return self.ready()

    def ready(self):
        try:
            return request("GET", self.ops + "/readyz", timeout=2).status == 200
        except OSError:
            return False

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM, as an init system would; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self):
        """kill -9: what a crash of the machine looks like to the process."""
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def restart(self, hard=False):
        self.kill() if hard else self.stop()
        self.start()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def state_text(self):
        """What an operator sees, in words for a test that failed; "" when there is nobody to ask."""
        try:
            return self.operate("GET", "/readyz?verbose=1").body.decode(errors="replace") if self.process.poll() is None else ""
        except (OSError, AttributeError, http.client.HTTPException):
            return ""

    def close(self):
        for agent in self.agents:
            agent.drop()
        for closer in self.closers:
            closer()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- as a customer ----------------------------------------------------------------------------------------------
    def form(self, connector="contact", key=None, **fields):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key:
            headers["Idempotency-Key"] = key
        return request("POST", f"{self.url}/v1/forms/{connector}", urllib.parse.urlencode(fields), headers)

    def post(self, text="Hello", key=None, connector="shop", token=SHOP_TOKEN, sender="u1", **more):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        if key:
            headers["Idempotency-Key"] = key
        body = json.dumps({"from": {"id": sender, "name": sender.title()}, "text": text, **more})
        return request("POST", f"{self.url}/v1/channels/{connector}/messages", body, headers)

    def outbox(self, after=None, connector="shop", within=WAIT_MAX):
        """What a program that polls finds: a reply is there a moment after its agent was told ok, not before.
        Who expects none says for how long."""
        query = f"?after={after}" if after is not None else ""
        end = time.monotonic() + within
        while True:
            answer = request("GET", f"{self.url}/v1/channels/{connector}/outbox{query}",
                             headers={"Authorization": f"Bearer {SHOP_TOKEN}"})
            assert answer.status == 200, answer
            if answer.json()["messages"] or time.monotonic() > end:
                return answer.json()
            time.sleep(0.02)

    @staticmethod
    def read_link(link):
        answer = request("GET", link, headers={"Accept": "application/json"})
        assert answer.status == 200, answer
        return answer.json()

    # --- as an operator ---------------------------------------------------------------------------------------------
    def admin_token(self):
        return (self.data / "admin.token").read_text().strip()

    def operate(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.admin_token()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        return request(method, self.ops + path, body, headers)

    def ctl(self, *words, input_text=None, admin=True):
        command = [PROGRAMS / "usherctl", *words]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("USHER_")}
        if admin:
            environment["USHER_TOKEN"] = self.admin_token()
            command += ["--url", self.ops]
        return subprocess.run(command, input=input_text, capture_output=True, text=True, timeout=60, env=environment)

    def poison(self, value):
        """A record nobody can read at the end of the journal. Requires: usherd is stopped."""
        if self.share:
            self.share.produce("inbound", value)
            return
        files = list(self.data.glob("*.db"))
        assert len(files) == 1, files
        with sqlite3.connect(files[0]) as database:
            tables = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            table = next(name for name in tables if "inbound" in name)
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            last = database.execute(f"SELECT * FROM {table} ORDER BY 1 DESC LIMIT 1").fetchone()
            row = dict(zip(columns, last))
            row.pop(columns[0])
            row["value"] = value
            if "id" in row:
                row["id"] = "poison"
            names = ",".join(row)
            database.execute(f"INSERT INTO {table}({names}) VALUES ({','.join('?' * len(row))})", list(row.values()))
        database.close()

    # --- as an agent ------------------------------------------------------------------------------------------------
    def sign_in(self, name, available=True, token=None):
        from agent import Agent
        agent = Agent(self, name, token or self.token_of(name))
        self.agents.append(agent)
        agent.connect()
        if available:
            agent.available()
        return agent
