"""An endpoint for webhooks that answers as it is told and remembers what came."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe


class Receiver:
    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[bytes, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((body, self.headers["Stripe-Signature"]))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, secret: str) -> list[stripe.Event]:
        return [stripe.Webhook.construct_event(body, signature, secret) for body, signature in list(self.received)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
