"""A server of a model: server.py FOLDER COMMAND…

Runs the command with OPENAI_BASE_URL at a server whose replies are the files FOLDER/1.md, 2.md, …; says on stderr what
was asked last. After the last reply it answers with an error.
"""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

replies = [path.read_text() for path in sorted(Path(sys.argv[1]).glob("*.md"))]
command = sys.argv[2:]


class Handler(BaseHTTPRequestHandler):
    """Chat completions, streamed in one piece."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("asked", request["model"], request["messages"][-1]["content"], file=sys.stderr)
        self.send_response(200 if replies else 404)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if replies:
            delta = {"role": "assistant", "content": replies.pop(0)}
            choice = {"index": 0, "delta": delta, "finish_reason": "stop"}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/v1"
    status = subprocess.run(command, env={**os.environ, "OPENAI_BASE_URL": address}, check=False).returncode
    server.shutdown()
sys.exit(status)
