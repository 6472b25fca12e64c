"""Which partition a key belongs to: murmur2 as the Java client computes it.

Must never consult a cluster: the answer depends on the key and the partition count alone, for life.

Theory of operation: Kafka's default partitioner takes the 32-bit murmur2 hash of the key bytes, clears the sign bit
and takes the remainder. Every producer of a platform has to agree on it: librdkafka's default is CRC32, and a
producer with that default would split one client over two partitions, so the engine checks each key it meets.
"""

_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the unsigned 32-bit murmur2 hash of `data` (org.apache.kafka.common.utils.Utils.murmur2)."""
    length = len(data)
    h = _SEED ^ length
    words = length & ~3
    for start in range(0, words, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        h = (h * _MULTIPLIER & _MASK) ^ ((k ^ k >> 24) * _MULTIPLIER & _MASK)
    if words != length:
        h = (h ^ int.from_bytes(data[words:], "little")) * _MULTIPLIER & _MASK
    h = (h ^ h >> 13) * _MULTIPLIER & _MASK
    return h ^ h >> 15


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of `key` in a topic with that many partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
