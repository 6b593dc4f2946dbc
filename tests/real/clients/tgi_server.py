"""A legacy that generates text in an API of its own: `POST /`, whole or as events. Usage: tgi_server.py PORT"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PACE = 0.02


class Legacy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(body)
        if self.path != "/" or not asked["inputs"].endswith("assistant\n"):
            wrong = {"error": "no such thing", "error_type": "validation"}
            return self.answer(422, "application/json", json.dumps(wrong).encode())
        words = ["legacy%d " % n for n in range(asked["parameters"]["max_new_tokens"])]
        details = {"finish_reason": "length", "generated_tokens": len(words)}
        whole = "".join(words)
        if not asked["stream"]:
            said = [{"generated_text": whole, "details": details}]
            return self.answer(200, "application/json", json.dumps(said).encode())
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for n, word in enumerate(words):
            last = n + 1 == len(words)
            event = {
                "index": n + 1,
                "token": {"id": n, "text": word, "logprob": -1.0, "special": False},
                "generated_text": whole if last else None,
                "details": details if last else None,
            }
            self.part("data:%s\n\n" % json.dumps(event))
            time.sleep(PACE)
        self.wfile.write(b"0\r\n\r\n")

    def part(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Legacy).serve_forever()
