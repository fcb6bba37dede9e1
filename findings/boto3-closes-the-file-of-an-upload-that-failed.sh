#!/usr/bin/env bash
# boto3 1.44.8 (s3transfer 0.19.3).
# upload_fileobj() closes the file object that it was given when the transfer fails. A retry around it that rewinds and
# sends again then ends with "seek of closed file", which hides what the store had said. After a success the file is closed,
# too, so the caller cannot read on.
# Seen: a store that answers 403, which botocore does not retry: ClientError, and the file is closed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet boto3==1.44.8 s3transfer==0.19.3
cat > "$work/try.py" <<'PYTHON'
import http.server, io, threading
import boto3
from botocore.exceptions import ClientError

class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 403
    def do_PUT(self):
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        else:
            self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client(
    "s3", endpoint_url=f"http://127.0.0.1:{server.server_port}", region_name="us-east-1",
    aws_access_key_id="a", aws_secret_access_key="b",
)
found = []
for Store.status in (403, 200):
    file = io.BytesIO(b"data")
    try:
        client.upload_fileobj(file, "bucket", "key")
        how = "uploaded"
    except (ClientError, boto3.exceptions.S3UploadFailedError) as error:
        how = type(error).__name__
    found.append((Store.status, how, file.closed))
    print(f"{Store.status}: {how}, file closed: {file.closed}")
assert found == [(403, "ClientError", True), (200, "uploaded", True)], found
PYTHON
"$work/venv/bin/python" "$work/try.py"
