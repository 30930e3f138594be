"""The quickstart's show: a daemon in a temporary folder, real inputs by curl, agents who answer, a table, a verdict.

Ends everything it started, by pid, when it ends. Called by deploy/quickstart after the build.
"""
import asyncio
import base64
import email.message
import email.policy
import email.utils
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import yaml

from free_port import free_port
from quickstart_agents import work_all

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy/mail"))
from submission import Mailboxes, Submission  # noqa: E402
PROGRAMS = ROOT / "build/release/bin"

# In the order in which they are sent: the urgent one last. `reads` says how its customer gets the reply.
INPUTS = [
    {"door": "contact", "reads": "link", "queue": "support", "skills": {"english": 2}, "customer": "Zoe",
     "form": {"name": "Zoe", "email": "zoe@example.org", "subject": "Order 4411", "message": "Where is my parcel?"}},
    {"door": "shop", "reads": "outbox", "queue": "french", "skills": {"french": 3}, "customer": "Luc",
     "json": {"from": {"id": "luc", "name": "Luc"}, "language": "fr", "text": "Bonjour, où est mon colis ?"}},
    {"door": "partner", "reads": "webhook", "queue": "billing", "skills": {"billing": 3}, "customer": "Mia",
     "json": {"from": {"id": "mia", "name": "Mia"}, "text": "I would like a refund, please."}},
    {"door": "support-mail", "reads": "mail", "queue": "billing", "skills": {"billing": 3}, "customer": "Ida",
     "mail": {"Subject": "Invoice 2206", "text": "There is a mistake in my invoice."}},
    {"door": "contact", "reads": "link", "queue": "support", "skills": {"english": 2}, "customer": "Tom", "urgent": True,
     "form": {"name": "Tom", "email": "tom@example.org", "subject": "Checkout", "message": "Our checkout is down!"}},
]


class Show:
    def __init__(self, once):
        self.once = once
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-quickstart-"))
        self.config = yaml.safe_load((ROOT / "deploy/quickstart.yaml").read_text())
        self.daemon = None
        self.webhooks = []
        self.mailboxes = self.submission = None

    # --- what runs --------------------------------------------------------------------------------------------------
    def prepare(self):
        """The secrets, and a copy of the configuration with this run's ports."""
        self.receive_webhooks()
        self.start_mail()
        if self.once:
            ports = [free_port(), free_port()]
            self.config["http"] = {"listen": f"127.0.0.1:{ports[0]}", "public_url": f"http://127.0.0.1:{ports[0]}"}
            self.config["ops"]["listen"] = f"127.0.0.1:{ports[1]}"
        self.url = self.config["http"]["public_url"]
        self.ops = "http://" + self.config["ops"]["listen"]
        self.tokens = {agent: "usher_" + secrets.token_urlsafe(32) for agent in self.config["agents"]}
        self.keys = {"shop": secrets.token_hex(32), "partner": secrets.token_hex(32)}
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        for name, text in {"partner.secret": self.secret, "mail.secret": secrets.token_hex(32),
                           "mail.password": self.mailboxes.password("support"), **{f"{k}.token": v for k, v in self.keys.items()},
                           **{f"{k}.token": v for k, v in self.tokens.items()}}.items():
            with open(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(text + "\n")
        self.config["connectors"]["partner"]["webhook_url"] = self.receiver_url
        self.config["connectors"]["support-mail"].update(
            imap_url=self.mailboxes.addresses["imaps"].replace("127.0.0.1", "localhost"), smtp_url=self.submission.url,
            ca_file=self.mailboxes.addresses["ca_file"])
        (self.folder / "usher.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True))

    def start(self):
        log = open(self.folder / "usherd.log", "wb")
        with log:
            self.daemon = subprocess.Popen(
                [PROGRAMS / "usherd", "run", "--config", self.folder / "usher.yaml", "--data", self.folder / "data"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + 20
        while curl(self.ops + "/readyz", ok_to_fail=True) is None:
            if self.daemon.poll() is not None or time.monotonic() > end:
                raise RuntimeError("usherd did not become ready:\n" + (self.folder / "usherd.log").read_text()[-2000:])
            time.sleep(0.05)
        # What is there before the first look is old mail, and stays where it is.
        self.wait_for_mailbox(lambda mailbox: mailbox["last_poll"], "usherd did not reach its mailbox")

    def wait_for_mailbox(self, fits, trouble, within=20):
        end = time.monotonic() + within
        while not fits(mailbox := curl(self.ops + "/readyz?verbose=1")["mailboxes"][0]):
            if time.monotonic() > end:
                raise RuntimeError(f"{trouble}: {mailbox}")
            time.sleep(0.05)

    def start_mail(self):
        """The company's mailbox and its customer's, and the server that replies go through."""
        self.folder.chmod(0o711)  # Mail belongs to another user than root.
        self.mailboxes = Mailboxes(self.folder / "mail", ("support", "ida"))
        self.mailboxes.start()
        self.submission = Submission(self.mailboxes, "support")

    def receive_webhooks(self):
        """The partner's own server: keeps what is posted to it."""
        show = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                show.webhooks.append((dict((k.lower(), v) for k, v in self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.receiver_url = f"http://127.0.0.1:{self.receiver.server_address[1]}/replies"
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()

    def end(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
        self.receiver.shutdown()
        if self.submission:
            self.submission.close()
        if self.mailboxes:
            self.mailboxes.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- customers --------------------------------------------------------------------------------------------------
    def send(self, one):
        """Through the front door by curl, as any customer's browser or program would."""
        if "mail" in one:
            mail = email.message.EmailMessage()
            mail["From"], mail["To"] = f"{one['customer']} <{one['customer'].lower()}@example.org>", self.config["connectors"][one["door"]]["address"]
            mail["Subject"], mail["Date"] = one["mail"]["Subject"], email.utils.formatdate()
            mail["Message-ID"] = one["id"] = email.utils.make_msgid(domain="example.org")
            mail.set_content(one["mail"]["text"])
            self.mailboxes.deliver("support", mail.as_bytes(policy=email.policy.SMTP))
            self.wait_for_mailbox(lambda mailbox: mailbox["taken"] > 0, "the mail was not taken")
        elif "form" in one:
            words = [word for key, value in one["form"].items() for word in ("-F", f"{key}={value}")]
            one["answer"] = curl(f"{self.url}/v1/forms/{one['door']}", *words)
        else:
            one["answer"] = curl(f"{self.url}/v1/channels/{one['door']}/messages", "-H", "Content-Type: application/json",
                                 "-H", f"Authorization: Bearer {self.keys[one['door']]}",
                                 "-H", f"Idempotency-Key: {secrets.token_hex(8)}", "--data-binary", json.dumps(one["json"]))

    def reply_read(self, one):
        """What the customer reads, or None."""
        if one["reads"] == "link":
            page = curl(one["answer"]["link"], "-H", "Accept: application/json")
            texts = [m["text"] for m in page["messages"] if m["from"] == "agent"]
        elif one["reads"] == "mail":
            folder = self.mailboxes.folder / "mail" / one["customer"].lower() / "Maildir"
            mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                     for part in ("new", "cur") for file in (folder / part).glob("*")]
            texts = [mail.get_body(("plain",)).get_content().replace("\r", "").split("\n\n-- ")[0].strip()
                     for mail in mails if mail["In-Reply-To"] == one["id"]]
        elif one["reads"] == "outbox":
            page = curl(f"{self.url}/v1/channels/{one['door']}/outbox", "-H", f"Authorization: Bearer {self.keys[one['door']]}")
            texts = [m["text"] for m in page["messages"] if m["in_reply_to"] == one["answer"]["id"]]
        else:
            texts = [json.loads(body)["data"]["text"] for headers, body in self.webhooks
                     if self.signed(headers, body) and json.loads(body)["data"]["in_reply_to"] == one["answer"]["id"]]
        return texts[0] if texts else None

    def signed(self, headers, body):
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        text = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(right, given) for given in headers.get("webhook-signature", "").split())

    # --- the show ---------------------------------------------------------------------------------------------------
    def play(self):
        for one in INPUTS:
            self.send(one)
        taken = asyncio.run(work_all(self.url.replace("http", "ws", 1) + "/v1/agent", self.tokens, len(INPUTS)))
        for one in INPUTS:
            one["taken"] = next((t for t in taken if customer_of(t) == one["customer"]), None)
            one["read"] = self.wait_for_reply(one)
        troubles = list(self.troubles(taken))
        print_table(taken)
        return troubles

    def wait_for_reply(self, one, within=15):
        end = time.monotonic() + within
        while (text := self.reply_read(one)) is None and time.monotonic() < end:
            time.sleep(0.05)
        return text

    def troubles(self, taken):
        for one in INPUTS:
            name = f"{one['customer']}'s message by {one['door']}"
            if not one["taken"]:
                yield f"{name} reached nobody"
                continue
            conversation, agent = one["taken"]["offer"]["conversation"], one["taken"]["agent"]
            if conversation["queue"] != one["queue"]:
                yield f"{name} went to the queue {conversation['queue']}, not {one['queue']}"
            for skill, level in one["skills"].items():
                if self.config["agents"][agent]["skills"].get(skill, 0) < level:
                    yield f"{name} reached {agent}, who lacks {skill}"
            if one["read"] is None:
                yield f"the reply to {name} never reached {one['customer']}"
        if taken and customer_of(taken[0]) != next(one["customer"] for one in INPUTS if one.get("urgent")):
            yield "the urgent message, sent last, was not offered first"

    def serve(self):
        print(f"""
serving until Ctrl-C
  a form        curl -d email=you@example.org -d message='Hello there' {self.url}/v1/forms/contact
                (the answer has a private link: open it in a browser)
  work as Ana   {PROGRAMS.relative_to(ROOT)}/usherctl agent --url {self.url} --token-file {self.folder}/ana.token
  look inside   USHER_TOKEN=$(cat {self.folder}/data/admin.token) {PROGRAMS.relative_to(ROOT)}/usherctl --url {self.ops} status
  health        {self.ops}/readyz   {self.ops}/metrics
  the log       {self.folder}/usherd.log""", flush=True)
        return self.daemon.wait()


def customer_of(taken):
    return taken["offer"]["conversation"]["customer"]["display_name"]


def curl(url, *words, ok_to_fail=False):
    done = subprocess.run(["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "15", *words, url],
                          capture_output=True, text=True)
    if done.returncode != 0:
        if ok_to_fail:
            return None
        raise RuntimeError(f"curl {url}: {done.stderr.strip()} {done.stdout.strip()}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


def in_words(why):
    """Why this agent: who else could have, and who could not and for what reason."""
    others = [other["agent"] for other in why.get("runners_up", [])]
    parts = ["had it before"] if why.get("preferred") else ["before " + ", ".join(others)] if others else ["the only one who could"]
    excluded = ", ".join(f"{count} by {reason}" for reason, count in sorted(why.get("excluded", {}).items()) if count)
    if excluded:
        parts.append(f"not: {excluded}")
    parts.append(f"waited {why.get('waited_ms', 0) / 1000:.1f} s")
    return "; ".join(parts)


def print_table(taken):
    rows = [("offered", "channel", "customer", "urgency", "queue", "needs", "agent", "why", "reply read by the customer")]
    order = {id(one): number for number, one in enumerate(taken, 1)}
    for one in sorted(INPUTS, key=lambda one: order.get(id(one["taken"]), 99)):
        offer = (one["taken"] or {}).get("offer")
        conversation = offer["conversation"] if offer else {}
        needs = ", ".join(f"{r['skill']} {r['level']}" for r in conversation.get("requirements", []))
        rows.append((str(order.get(id(one["taken"]), "-")), f"{one['door']} ({conversation.get('channel', '?')})", one["customer"],
                     conversation.get("urgency", "-"), conversation.get("queue", "-"), needs, (one["taken"] or {}).get("agent", "NOBODY"),
                     in_words(offer.get("why", {})) if offer else "-",
                     f"by {one['reads']}: {one['read']}" if one["read"] else "NEVER"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print("(sent in this order: " + ", ".join(one["customer"] for one in INPUTS) + ")", flush=True)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    show = Show(once="--once" in sys.argv[1:])
    code = 1
    try:
        show.prepare()
        show.start()
        troubles = show.play()
        for trouble in troubles:
            print("NOT AS PROMISED: " + trouble)
        code = 1 if troubles else 0
        if code == 0:
            print(f"{len(INPUTS)} inputs reached an agent with the right skills, the urgent one first; {len(INPUTS)} replies were read")
        if not show.once:
            code = show.serve()
    except KeyboardInterrupt:
        code = 0 if not show.once else 130
    except Exception as trouble:  # Said in one sentence; the daemon's log is what helps.
        print(f"quickstart: {trouble}", file=sys.stderr)
        log = show.folder / "usherd.log"
        if log.exists():
            print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
    finally:
        show.end()
    return code


if __name__ == "__main__":
    sys.exit(main())
