#!/usr/bin/env bash
# kfp-server-api 2.17.3.
# `_request_timeout` of the generated client takes an int or a pair. A float (0.5, or 30.0 out of a configuration file) is
# accepted and ignored: the request then has no time limit at all.
# Seen: a server that answers after 2 s; with _request_timeout=0.5 the answer is waited for, with (0.5, 0.5) it is not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet kfp-server-api==2.17.3
cat > "$work/try.py" <<'PYTHON'
import http.server, threading, time, urllib3
import kfp_server_api

class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2)
        body = b'{"pipelines": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
configuration = kfp_server_api.Configuration(host=f"http://127.0.0.1:{server.server_port}")
configuration.retries = False
api = kfp_server_api.PipelineServiceApi(kfp_server_api.ApiClient(configuration))

def took(timeout):
    begun = time.monotonic()
    try:
        api.pipeline_service_list_pipelines(_request_timeout=timeout)
        how = "answered"
    except urllib3.exceptions.HTTPError as error:
        how = type(error).__name__
    return how, time.monotonic() - begun

for timeout in (0.5, (0.5, 0.5)):
    how, seconds = took(timeout)
    print(f"_request_timeout={timeout}: {how} after {seconds:.1f} s")
    assert (how == "answered") == isinstance(timeout, float) and (seconds >= 2) == isinstance(timeout, float)
PYTHON
"$work/venv/bin/python" "$work/try.py"
