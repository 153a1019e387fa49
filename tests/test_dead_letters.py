"""Working off dead letters: each once, nothing twice, and nothing of ours goes back with them."""

from agents.dead_letters import Letter, letters, waiting
from agents.topic_reader import Record
from schemas.topics import DEAD_LETTER, RAW


def letter(offset: int, value: bytes, origin: bytes, attempts: bytes = b"1") -> Record:
    headers = [
        ("traceparent", b"00-1"),
        ("__connect.errors.stage", b"language"),
        ("webcare-reason", b"not_json"),
        ("webcare-attempts", attempts),
        ("webcare-origin", origin),
    ]
    return Record(DEAD_LETTER.name, 0, offset, 0, b"acme", value, headers)


def redriven(value: bytes, times: bytes) -> Record:
    return Record(RAW.name, 0, 0, 0, b"acme", value, [("webcare-redriven", times)])


def test_a_letter_written_again_after_a_crash_is_there_once() -> None:
    found = letters([letter(0, b"{", b"e:0:1"), letter(1, b"{", b"e:0:1"), letter(2, b"[", b"e:0:2")])
    assert [one.name for one in found] == ["0:0", "0:2"]


def test_letters_with_the_same_unreadable_origin_are_not_one() -> None:
    found = letters([letter(0, b"{", b"junk"), letter(1, b"[", b"junk"), letter(2, b"[", b"junk")])
    assert [one.name for one in found] == ["0:0", "0:1"]


def test_what_was_sent_again_does_not_wait() -> None:
    found = letters([letter(0, b"{", b"e:0:1"), letter(1, b"[", b"e:0:2")])
    assert [one.name for one in waiting(found, [])] == ["0:0", "0:1"]
    assert [one.name for one in waiting(found, [redriven(b"{", b"1")])] == ["0:1"]


def test_what_was_refused_again_waits_once() -> None:
    found = letters([letter(0, b"{", b"e:0:1"), letter(1, b"{", b"e:0:9", b"2")])
    assert [one.name for one in waiting(found, [redriven(b"{", b"1")])] == ["0:1"]
    assert waiting(found, [redriven(b"{", b"2")]) == []


def test_only_its_own_headers_go_back() -> None:
    assert Letter("0:0", letter(0, b"{", b"e:0:1", b"2")).again() == [("traceparent", b"00-1"), ("webcare-redriven", b"2")]


def test_a_wild_count_is_not_believed() -> None:
    assert Letter("0:0", letter(0, b"{", b"e:0:1", b"9" * 5000)).attempts == 1
