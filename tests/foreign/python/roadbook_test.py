"""The Python tests: the story of tests/foreign/story.json against a real server, then what only this side can get wrong."""

import gc
import json
import os
import socket
import sys
import tempfile
import threading
import unittest

import roadbook as rb
from sync_loop import SyncLoop

URL = os.environ["ROADBOOK_URL"]
# One-time codes: for the salesperson of the story, and for another one, in another territory, with whom everything else is tried.
CODES, OTHER_CODES = os.environ["ROADBOOK_CODES"].split(), os.environ["ROADBOOK_OTHER_CODES"].split()
STORY = os.environ["ROADBOOK_STORY"]
README = os.environ["ROADBOOK_README"]


class Phone:
    """A device of the story: its file, its key, and the words of the story as methods."""

    def __init__(self, folder, name):
        self.path, self.name, self.secret = os.path.join(folder, name + ".sqlite"), name, rb.fresh_key_secret()
        self.storage_key = rb.fresh_storage_key()
        self.open()

    def open(self):
        self.book = rb.Roadbook.open(self.path, rb.software_key(self.secret), self.storage_key)
        self.loop = SyncLoop(self.book, URL, "story")

    def find(self, name):
        return next(hit.customer.subject for hit in self.book.search(name, 10).found if hit.customer.name == name)

    def enrol(self, step):
        self.loop.enrol(step.get("code") or CODES.pop(), self.name)

    def sync(self, step):
        self.loop.once()
        profile = self.book.profile()
        return {"unsent": self.book.outbox().changes, "user": profile and profile.name}

    def list(self, step):
        page = self.book.customers(rb.CustomerQuery(), rb.CustomerSort.NAME(), None, 50)
        return {"names": [line.name for line in page.lines]}

    def search(self, step):
        return {"names": sorted(hit.customer.name for hit in self.book.search(step["text"], 50).found)}

    def card(self, step):
        card = self.book.card(self.find(step["customer"]))
        phones = [entry.fields["number"].value[0] for entry in card.lists.get("phones", [])]
        return {
            "facts": {field: fact.value[0] for field, fact in card.facts.items() if not fact.value.is_MAP()},
            "phones": sorted(phones),
            "rivals": {field: len(fact.rivals) for field, fact in card.facts.items()},
        }

    def write(self, customer, edit):
        card = self.book.card(self.find(customer))
        self.book.edit_card(card.subject, card.heads, [edit])

    def add_phone(self, step):
        fields = {"number": rb.Value.TEXT(step["number"]), "kind": rb.Value.TEXT("mobile")}
        self.write(step["customer"], rb.Edit.ENTRY("phones", self.book.new_entry_id(), fields, rb.Provenance()))

    def assert_(self, step):
        value = rb.Value.INT(step["int"]) if "int" in step else rb.Value.TEXT(step["text"])
        self.write(step["customer"], rb.Edit.ASSERT(step["field"], value, rb.Provenance()))

    def new_customer(self, step):
        self.book.new_customer([rb.Edit.ASSERT("trade_name", rb.Value.TEXT(step["customer"]), rb.Provenance())])

    def check_in(self, step):
        place = rb.Place(lat_e7=312_000_000, lon_e7=1_214_000_000, accuracy_m=20, provider="gps", mock=False)
        self.book.check_in(self.find(step["customer"]), None, place)

    def with_fields(self, step):
        draft = self.book.drafts()[0]
        draft.fields.update({field: rb.Value.TEXT(text) for field, text in step["fields"].items()})
        return draft

    def save_draft(self, step):
        self.book.save_draft(self.with_fields(step))

    def check_out(self, step):
        self.book.check_out(self.with_fields(step), None)

    def reopen(self, step):
        self.book = self.loop = None
        gc.collect()
        self.open()
        return {"drafts": len(self.book.drafts())}

    def visits(self, step):
        page = self.book.visits(self.find(step["customer"]), None, 50)
        return {"outcomes": [line.visit.outcome for line in page.lines]}

    def outbox(self, step):
        return {"waiting": self.book.outbox().changes > 0}

    def history(self, step):
        lines = self.book.history(self.find(step["customer"]), step["field"])
        return {"values": sorted(line.value[0] for line in lines)}


class StoryTest(unittest.TestCase):
    def test_the_story(self):
        with tempfile.TemporaryDirectory() as folder, open(STORY, encoding="utf-8") as file:
            phones = {}
            for step in json.load(file)["steps"]:
                with self.subTest(step["name"]):
                    phone = phones.get(step["on"]) or phones.setdefault(step["on"], Phone(folder, step["on"]))
                    expected = step.get("expect", {})
                    try:
                        got = getattr(phone, {"assert": "assert_"}.get(step["do"], step["do"]))(step) or {}
                    except rb.RoadbookError as error:
                        got = {"error": type(error).__name__}
                    self.assertNotIn("error", {} if "error" in expected else got, got)
                    for key, value in expected.items():
                        found = {name: got[key].get(name) for name in value} if isinstance(value, dict) else got.get(key)
                        self.assertEqual(found, value, key)
            phones.clear()
            gc.collect()


class Watcher(rb.Observer):
    def __init__(self, fail=False):
        self.fail, self.times = fail, 0

    def changed(self):
        self.times += 1
        if self.fail:
            raise ValueError("a mistake in the app")


class Hardware(rb.DeviceKey):
    """Stands for a keystore: the library only ever asks it to sign."""

    def __init__(self):
        self.inner, self.locked = rb.software_key(rb.fresh_key_secret()), None

    def public_key(self):
        return self.inner.public_key()

    def sign(self, message):
        if self.locked:
            raise self.locked
        return self.inner.sign(message)


class EdgeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "edge.sqlite")
        self.key = Hardware()
        self.book = rb.Roadbook.open(self.path, self.key, None)
        self.loop = SyncLoop(self.book, URL)

    def enrolled(self):
        self.loop.enrol(OTHER_CODES.pop(), "edge")
        self.loop.once()

    def begin(self, name):
        self.book.new_customer([rb.Edit.ASSERT("trade_name", rb.Value.TEXT(name), rb.Provenance())])

    def test_what_came_before_the_line_broke_is_handed_in(self):
        class Book:
            """Takes what came for whole parts, or for less than one."""

            def __init__(self, whole):
                self.came, self.whole = [], whole

            def sync_request(self, app):
                return rb.Outgoing(method="POST", path="/v1/sync", headers=[], body=b"?")

            def sync_response(self, arrived):
                self.came.append(arrived.body)
                if not self.whole:
                    raise rb.RoadbookError.AnswerUnreadable("cut")
                return rb.Synced(more=len(self.came) < 2, accepted=0, quarantined=[], documents=0, forgotten=0, refused=0,
                                 clock_offset_ms=0, decided=[], drain_only=False, today=False)

        with socket.create_server(("127.0.0.1", 0)) as server:
            def cut():
                while True:
                    try:
                        line, _ = server.accept()
                    except OSError:
                        return
                    with line:
                        while not line.recv(65536).endswith(b"?"):
                            pass
                        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"p" * 40)

            threading.Thread(target=cut, daemon=True).start()
            url = "http://127.0.0.1:%d" % server.getsockname()[1]
            book = Book(whole=True)
            self.assertEqual(len(SyncLoop(book, url).once()), 2)
            self.assertEqual(book.came, [b"p" * 40] * 2)
            with self.assertRaises(OSError):
                SyncLoop(Book(whole=False), url).once()
            server.shutdown(socket.SHUT_RDWR)

    def test_a_storage_key_opens_its_file_alone(self):
        path = self.path + ".encrypted"
        key, other = rb.fresh_storage_key(), rb.fresh_storage_key()
        self.assertIsNone(rb.Roadbook.open(path, self.key, key).set_aside())
        with self.assertRaises(rb.RoadbookError.StorageKeyNeeded):
            rb.Roadbook.open(path, self.key, None)
        with self.assertRaises(rb.RoadbookError.WrongStorageKey):
            rb.Roadbook.open(path, self.key, other)
        rb.change_storage_key(path, key, other)
        self.assertIsNone(rb.Roadbook.open(path, self.key, other).set_aside())

    def test_a_foreign_key_signs_and_its_troubles_have_names(self):
        self.enrolled()
        for trouble, name in [(rb.KeyError.Locked(), "Locked"), (rb.KeyError.Gone(), "Gone"), (ValueError("?"), "Failed")]:
            self.key.locked = trouble
            with self.assertRaises(rb.RoadbookError.KeyUnusable) as caught:
                self.book.sync_request(None)
            self.assertEqual(type(caught.exception.reason).__name__, name)
        self.key.locked = None
        self.loop.once()

    def test_an_observer_lives_as_long_as_its_handle(self):
        self.enrolled()
        watcher, broken = Watcher(), Watcher(fail=True)
        handles = [self.book.observe(broken), self.book.observe(watcher)]
        self.begin("一号小店")
        self.assertEqual((broken.times, watcher.times), (1, 1))
        self.assertEqual(self.book.observer_count(), 2)
        handles.clear()
        gc.collect()
        self.assertEqual(self.book.observer_count(), 0)
        self.begin("二号小店")
        self.assertEqual(watcher.times, 1)

    def test_rubbish_is_answered_with_errors(self):
        self.enrolled()
        for status, body, arm in [
            (200, b"", "AnswerUnreadable"),
            (200, b"<html>Welcome to the hotel</html>", "UpdateNeeded"),
            (200, b"\x01" + bytes(1000), "AnswerUnreadable"),
            (503, b"busy", "ServerRefused"),
            (302, b"", "ServerRefused"),
        ]:
            with self.assertRaises(getattr(rb.RoadbookError, arm)):
                self.book.sync_response(rb.Arrived(status=status, time=None, body=body))
        some = "00000000-0000-4000-8000-000000000000"
        for call, arm in [
            (lambda: self.book.card("no id"), "Mistake"),
            (lambda: self.book.card(some), "NotHere"),
            (lambda: self.book.tour(some), "NotHere"),
            (lambda: self.book.tours("yesterday", "today"), "Mistake"),
            (lambda: self.book.edit_card(some, b"123", []), "FormOutdated"),
            (lambda: self.book.customers(rb.CustomerQuery(), rb.CustomerSort.NAME(), "nonsense", 5), "Mistake"),
            (lambda: rb.software_key(b"short"), "KeyUnusable"),
        ]:
            with self.assertRaises(getattr(rb.RoadbookError, arm)):
                call()

    def test_a_clock_that_is_wrong_is_set_right_once(self):
        self.enrolled()
        refused = rb.Arrived(status=401, time="4102444800000", body=b"")
        self.assertTrue(self.book.sync_response(refused).more)
        with self.assertRaises(rb.RoadbookError.ServerRefused):
            self.book.sync_response(refused)
        self.assertFalse(self.loop.once()[-1].more)

    def test_many_threads_at_once(self):
        self.enrolled()
        failures = []

        def work():
            try:
                self.begin("同时小店")
                self.book.search("惠民", 10)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_photos_follow_all_text_and_an_urgent_report_is_told_that_it_arrived(self):
        self.enrolled()
        shop = self.book.new_customer([rb.Edit.ASSERT("trade_name", rb.Value.TEXT("照片小店"), rb.Provenance())])
        draft = self.book.check_in(shop, None, None)
        # A picture as far as anybody looks: the head of a PNG, then noise.
        png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + os.urandom(300_000)
        photo = self.book.add_photo(draft.doc, "shelf", png, png[:2_000], 1_772_000_000_000)
        with self.assertRaises(rb.RoadbookError.PhotoRefused):
            self.book.add_photo(draft.doc, "shelf", b"GIF89a", None, 0)
        draft.fields["outcome"] = rb.Value.TEXT("order")
        visit = self.book.check_out(draft, None)
        self.assertTrue(self.book.photo_step(False).is_text_first())
        self.book.keep_originals(0)
        steps = self.loop.photos()
        self.assertEqual(steps[-1].complete, [visit])
        self.assertEqual([(one.here, one.thumbnail_here, one.state) for one in self.book.photos(visit)], [(False, True, rb.PhotoState.COMPLETE)])
        self.assertEqual(self.loop.photo(visit, photo), png)

        report = rb.UrgentReport(kind="accident", severity="high", customer=shop, territory=None, text="店里进水", picture=png[:2_000])
        report = self.book.report_urgent(report)
        self.loop.once()
        urgent = self.book.urgent(report)
        self.assertEqual(([one.what for one in urgent.handling], urgent.picture), (["received"], png[:2_000]))

    def test_what_few_may_know_is_the_owners_and_goes_to_headquarters(self):
        self.enrolled()
        boss = self.book.new_entry_id()
        name = {"name": rb.Value.TEXT("张老板"), "role": rb.Value.TEXT("owner")}
        shop = self.book.new_customer([rb.Edit.ASSERT("trade_name", rb.Value.TEXT("信用小店"), rb.Provenance()), rb.Edit.ENTRY("stakeholders", boss, name, rb.Provenance())])
        self.book.edit_person(shop, boss, None, [rb.Edit.REWRITE("hobbies", "钓鱼"), rb.Edit.ASSERT("age", rb.Value.INT(47), rb.Provenance())])
        self.book.observe_credit(shop, "门口有人催债")
        with self.assertRaises(rb.RoadbookError.BadField):
            self.book.edit_person(shop, boss, None, [rb.Edit.ASSERT("age", rb.Value.INT(900), rb.Provenance())])
        self.loop.once()
        self.assertEqual(self.book.outbox().changes, 0)
        person = self.book.persons(shop)[0]
        self.assertEqual((person.stakeholder, person.texts["hobbies"], person.facts["age"].value), (boss, "钓鱼", rb.Value.INT(47)))
        self.assertEqual([one.text for one in self.book.credit_observations(shop)], ["门口有人催债"])
        # The file itself is not a representative's to write: headquarters sets it aside, and this phone does not go on showing it.
        self.book.edit_credit(shop, None, [rb.Edit.ASSERT("grade", rb.Value.TEXT("1"), rb.Provenance())])
        self.loop.once()
        self.assertEqual((self.book.credit(shop), self.book.credit_badge(shop)), (None, None))
        self.assertTrue(any("no_right" in one.reason for one in self.book.set_aside_changes()))
        self.assertIn("keep_until", [field.id for section in rb.form("person") for field in section.fields])

    def test_news_arrive(self):
        self.enrolled()
        heard = threading.Event()
        other = Phone(os.path.dirname(self.path), "writer")
        other.enrol({"code": OTHER_CODES.pop()})
        threading.Thread(target=lambda: self.loop.listen(heard.set, heard), daemon=True).start()
        # What was written before the channel was open wakes nobody: write until it does.
        for number in range(20):
            other.new_customer({"customer": f"叫醒小店{number}"})
            other.loop.once()
            if heard.wait(1):
                break
        self.assertTrue(heard.is_set())

    def test_the_lines_of_the_readme(self):
        with open(README, encoding="utf-8") as file:
            lines = compile(file.read(), README, "exec")
        space = {}
        exec(lines, space)  # pylint: disable=exec-used
        self.assertIn("惠民超市", space["a_day"](URL, OTHER_CODES.pop(), os.path.dirname(self.path)))


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=2).result
    # A story with several steps that failed is one test that failed.
    bad = len({getattr(test, "test_case", test).id() for test, _ in outcome.failures + outcome.errors})
    print(f"\n{outcome.testsRun - bad} passed, {bad} failed")
    sys.exit(0 if outcome.wasSuccessful() and outcome.testsRun else 1)
