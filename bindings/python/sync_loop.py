"""Moves the bytes between a Roadbook and headquarters, with Python's own HTTP client. Copy it into your app and change it freely.

What the bytes mean is the library's business; what this file decides is only when to ask, how long to wait, and what to do when the
line breaks. Every request may be repeated, and every answer may be lost: that costs time and nothing else.
"""

import http.client
import threading
import urllib.error
import urllib.request

import roadbook

TIMEOUT_S = 60
# The server breaks its silence every 25 seconds: after 60 the line is dead.
SILENCE_S = 60
# More rounds than any honest exchange needs; a first sync takes about one for every 24 MB of documents.
ROUNDS_MAX = 10_000
ANSWER_BYTES_MAX = 16 << 20
PIECE_BYTES = 64 << 10


class SyncLoop:
    """One Roadbook and the address of its headquarters, such as ``https://roadbook.example``."""

    def __init__(self, book, server, app=None):
        self.book, self.server, self.app = book, server.rstrip("/"), app

    def enrol(self, code, device_name):
        """Enrols this device. Raises RoadbookError.EnrolmentRefused, or OSError when there is no line."""
        # The second round is for a clock that was wrong and has been set right by the first.
        if not self.book.enrol_response(self._send(self.book.enrol_request(code, device_name))):
            self.book.enrol_response(self._send(self.book.enrol_request(code, device_name)))

    def once(self):
        """Exchanges until nothing waits on either side; returns what each round did. Raises RoadbookError, or OSError when there is no line."""
        rounds = []
        while not rounds or (rounds[-1].more and len(rounds) < ROUNDS_MAX):
            arrived, broke = self._exchange(self.book.sync_request(self.app))
            try:
                rounds.append(self.book.sync_response(arrived))
            except roadbook.RoadbookError.AnswerUnreadable:
                # Not even the first part was whole: the line is to blame, if it broke.
                if broke:
                    raise broke from None
                raise
        return rounds

    def photos(self, metered=False):
        """Hands photos in after all text, chunk by chunk, until nothing is left; on a metered line only thumbnails go. Returns what each step did.

        Call it after ``once``, and again whenever there is a line: a step that was cut goes on at its chunk.
        """
        steps = []
        while len(steps) < ROUNDS_MAX:
            step = self.book.photo_step(metered)
            if step.is_text_first():
                self.once()
                if self.book.photo_step(metered).is_text_first():
                    break
            elif step.is_send():
                steps.append(self.book.photo_response(self._send(step.request)))
            else:
                break
        return steps

    def photo(self, visit, photo):
        """The bytes of a photo that a visit names, fetched when they are not on this device."""
        for _ in range(ROUNDS_MAX):
            request = self.book.fetch_photo(visit, photo)
            if request is None:
                break
            done = self.book.photo_response(self._send(request))
            if done.refused:
                break
        return self.book.photo_bytes(photo)

    def listen(self, on_news, stop=None):
        """Calls ``on_news`` for every wake-up until ``stop`` (a threading.Event) is set or the line breaks; then call it again after a while."""
        stop = stop or threading.Event()
        with self._open(self.book.news_request(), SILENCE_S) as lines:
            for line in lines:
                if stop.is_set():
                    return
                if line.startswith(b"data:"):
                    on_news()

    def _send(self, outgoing):
        arrived, broke = self._exchange(outgoing)
        if broke:
            raise broke
        return arrived

    def _exchange(self, outgoing):
        """What arrived, and what broke it off: the whole parts of a long answer are good, and the next request asks for the rest."""
        try:
            with self._open(outgoing, TIMEOUT_S) as answer:
                return self._arrived(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return self._arrived(refusal)

    def _open(self, outgoing, timeout):
        headers = {header.name: header.value for header in outgoing.headers}
        body = outgoing.body if outgoing.method == "POST" else None
        if body is not None:
            headers["content-type"] = "application/octet-stream"
        request = urllib.request.Request(self.server + outgoing.path, body, headers, method=outgoing.method)
        return urllib.request.urlopen(request, timeout=timeout)

    @staticmethod
    def _arrived(answer):
        body, broke = bytearray(), None
        try:
            while len(body) <= ANSWER_BYTES_MAX and (piece := answer.read1(PIECE_BYTES)):
                body += piece
        except (OSError, http.client.HTTPException) as error:
            broke = error if isinstance(error, OSError) else ConnectionError(str(error))
            if not body:
                raise broke from None
        length = answer.headers.get("content-length")
        if broke is None and length is not None and len(body) < int(length):
            broke = ConnectionError(f"the answer broke off after {len(body)} of {length} bytes")
        return roadbook.Arrived(status=answer.status, time=answer.headers.get("roadbook-time"), body=bytes(body)), broke
