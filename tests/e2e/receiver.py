"""A customer's own server: takes signed webhooks, answers as scripted, checks signatures by Python's own hmac."""
import base64
import hashlib
import hmac
import http.server
import json
import threading


class Receiver:
    def __init__(self, secret, answers=()):
        """`answers`: the status of each request in turn; 200 once they are used up."""
        self.secret, self.answers, self.got = secret, list(answers), []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(outer.take({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/replies"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers, body):
        with self.lock:
            status = self.answers.pop(0) if self.answers else 200
            self.got.append((status, headers, body))
            return status

    def delivered(self):
        with self.lock:
            return [json.loads(body) for status, _, body in self.got if status < 300]

    def signature_is_right(self, headers, body):
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(one, "v1," + expected) for one in headers["webhook-signature"].split())

    def close(self):
        self.server.shutdown()
        self.server.server_close()
