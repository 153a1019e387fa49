"""Kafka's default partitioning of keys (murmur2), the one that decides where a brand lives."""

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """MurmurHash2 in Kafka's variant, as an unsigned 32-bit number.

    Source: org.apache.kafka.common.utils.Utils.murmur2; tested against kafka-python's.
    """
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h ^= h >> 13
    h = h * _M & _MASK
    return h ^ (h >> 15)


class Partitioner:
    """Brand → partition, remembered."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._known: dict[str, int] = {}

    def __call__(self, brand: str) -> int:
        partition = self._known.get(brand)
        if partition is None:
            if len(self._known) > 100_000:
                self._known.clear()
            partition = self._known[brand] = (murmur2(brand.encode()) & 0x7FFFFFFF) % self.partitions
        return partition
