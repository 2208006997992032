"""WHIP (RFC 9725) and WHEP over the standard library: one POST with the offer, one DELETE at the end."""
import json
import sys
import urllib.parse
import urllib.request


class Session:
    def __init__(self, url, token):
        self.url = url
        self.token = token
        self.resource = None

    def _request(self, method, url, body=None, kind=None):
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Authorization", "Bearer " + self.token)
        if kind:
            request.add_header("Content-Type", kind)
        return urllib.request.urlopen(request, timeout=10)

    def offer(self, sdp):
        """Posts the offer and returns the answer."""
        with self._request("POST", self.url, sdp.encode(), "application/sdp") as answer:
            if answer.status != 201 or answer.headers["Content-Type"] != "application/sdp":
                raise RuntimeError("WHIP says %s %s" % (answer.status, answer.headers["Content-Type"]))
            self.resource = urllib.parse.urljoin(self.url, answer.headers["Location"])
            return answer.read().decode()

    def end(self):
        if self.resource:
            self._request("DELETE", self.resource).close()
            self.resource = None


def say(**fact):
    """One JSON line for the test that started us."""
    print(json.dumps(fact), flush=True)


def arguments():
    """publish|play URL TOKEN"""
    if len(sys.argv) != 4 or sys.argv[1] not in ("publish", "play"):
        sys.exit("usage: %s publish|play URL TOKEN" % sys.argv[0])
    return sys.argv[1], Session(sys.argv[2], sys.argv[3])
