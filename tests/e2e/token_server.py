"""A token server for mailboxes that are opened with access tokens (RFC 6749), which Dovecot asks whether a token is good (RFC 7662).

Tokens end when their time is over or when the test revokes them; the server can be told to refuse refreshing altogether.
"""
import http.server
import json
import secrets
import threading
import time
import urllib.parse


class TokenServer:
    def __init__(self, user, lasts):
        self.user, self.lasts = user, lasts  # Seconds.
        self.lock = threading.Lock()
        # Guarded by lock.
        self.refresh_tokens = {"the refresh token of the tests"}
        self.ends = {}  # When each token ends, on the monotonic clock.
        self.issued = []  # (when, token)
        self.refused = 0
        self.seen_dead = 0  # How often the mail server asked of a token that is good no more.
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def handler(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = {name: values[0] for name, values in urllib.parse.parse_qs(body).items()}
                status, answer = server.grant(form) if self.path == "/token" else (200, server.introspect(form.get("token")))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler

    def grant(self, form):
        with self.lock:
            if form.get("grant_type") != "refresh_token" or form.get("refresh_token") not in self.refresh_tokens:
                self.refused += 1
                return 400, {"error": "invalid_grant"}
            token = secrets.token_urlsafe(24)
            self.ends[token] = time.monotonic() + self.lasts
            self.issued.append((time.monotonic(), token))
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.lasts}

    def introspect(self, token):
        with self.lock:
            good = self.ends.get(token, 0) > time.monotonic()
            self.seen_dead += not good
            return {"active": good, "user": self.user} if good else {"active": False}

    # --- what the test does -------------------------------------------------------------------------------------------
    def revoke(self):
        """No token that was given is good any more."""
        with self.lock:
            self.ends = {}

    def newest_is_dead(self):
        with self.lock:
            return self.ends[self.issued[-1][1]] < time.monotonic()

    def newest_is_older_than(self, seconds):
        with self.lock:
            return time.monotonic() - self.issued[-1][0] > seconds

    def accept_refresh_tokens(self, *tokens):
        with self.lock:
            self.refresh_tokens = set(tokens)

    def dovecot_settings(self, folder):
        """Writes what Dovecot has to know, and returns what its own.conf has to say."""
        settings = folder / "oauth2.conf"
        settings.write_text(f"introspection_url = {self.url}/introspect\nintrospection_mode = post\nusername_attribute = user\n"
                            "active_attribute = active\nactive_value = true\n")
        return (f"auth_mechanisms = plain login xoauth2 oauthbearer\npassdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n"
                f"  args = {settings}\n}}\nauth_failure_delay = 0\n")
