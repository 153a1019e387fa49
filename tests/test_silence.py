"""What is missed of a source: what it teaches, and when it is enough. With the stage around it: test_crisis."""

from datetime import UTC

import pytest

from pipeline.cadence import SILENT, Cadence, Cadences


def test_an_outage_neither_teaches_that_silence_is_usual_nor_hides_the_next():
    cadence = Cadence(0)
    told = []
    for bucket in range(12 * 288):
        outage = any(start <= bucket < start + 200 for start in (5 * 288, 8 * 288, 11 * 288))
        if cadence.close(bucket, 0 if outage else 1, bucket // 12 % 24):
            told.append(bucket // 288)
    assert told == [5, 8, 11]
    assert cadence.expected(3) == pytest.approx(1.0, abs=0.1)


def test_the_first_days_raise_nothing_and_a_rare_source_never_at_once():
    cadence = Cadence(0)
    assert not any(cadence.close(bucket, int(bucket < 288), 1) for bucket in range(SILENT))
    rare = Cadence(0)
    assert not any(rare.close(bucket, int(bucket % 200 == 0 and bucket < 20 * 288), 1) for bucket in range(30 * 288))


def test_cadences_come_back_bit_for_bit():
    one = Cadences(UTC)
    for bucket in range(400):
        one.close(bucket, {"feed": {bucket: bucket % 3}} if bucket % 3 else {})
    other = Cadences(UTC)
    other.restore(one.snapshot())
    for cadences in (one, other):
        cadences.close(401, {"feed": {401: 4}})
    assert one.snapshot() == other.snapshot()
    with pytest.raises(ValueError):
        other.restore(b"\x63")
