"""Where a brand lives: Kafka's own hash, so that any Kafka client agrees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_python

from pipeline.partition import Partitioner, murmur2


@pytest.mark.parametrize(
    ("key", "hash_"),
    # Kafka's own test vectors: clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java (signed there)
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hash_is_kafkas(key: bytes, hash_: int) -> None:
    assert murmur2(key) == hash_ & 0xFFFFFFFF


@given(st.binary(max_size=40))
def test_hash_agrees_with_a_kafka_client(key: bytes) -> None:
    assert murmur2(key) == kafka_python(key) & 0xFFFFFFFF


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=100), st.integers(1, 64))
def test_a_brand_has_one_partition(brand: str, partitions: int) -> None:
    partitioner = Partitioner(partitions)
    assert partitioner(brand) == partitioner(brand) == Partitioner(partitions)(brand)
    assert partitioner(brand) == (kafka_python(brand.encode()) & 0x7FFFFFFF) % partitions


def test_memory_is_bounded() -> None:
    partitioner = Partitioner(8)
    for number in range(100_100):
        partitioner(str(number))
    assert len(partitioner._known) <= 100_001
    assert partitioner("1") == Partitioner(8)("1")
