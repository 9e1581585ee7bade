"""A run that judges: judge.py REPLIES SOCKET COMMAND…

Says that the function named in HOT (else "hot") is hot, starts the command, accepts its first proposal, refuses the
second, and then has no budget left; it hangs up after so many replies.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

REPLIES = [
    {"accepted": True, "speedup": 1.25, "message": "measured"},
    {"accepted": False, "speedup": 0.5, "message": "slower"},
    {"stop": True},
]

replies, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
Path(path).unlink(missing_ok=True)
with socket.socket(socket.AF_UNIX) as server:
    server.bind(path)
    server.listen(1)
    child = subprocess.Popen(command)
    connection = server.accept()[0]
    with connection, connection.makefile("rw") as stream:
        opening = {"functions": [os.environ.get("HOT", "hot")], "budget_s": 60, "agent": None}
        print(json.dumps(opening), file=stream, flush=True)
        for reply in REPLIES[:replies]:
            request = json.loads(stream.readline())
            print("asked for", request["function"], request["pipeline"], file=sys.stderr)
            assert f"define i32 @{request['function']}" in request["ir"]
            print(json.dumps({"id": request["id"], **reply}), file=stream, flush=True)
sys.exit(child.wait())
