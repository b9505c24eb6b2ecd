"""A random order of 0..n-1 that is never written down.

A generalised Feistel network on pairs of Z_a x Z_b with ab >= n, and cycle walking for the few
pairs beyond n: J. Black and P. Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002,
sections 4 and 5. The round function is keyed BLAKE2b. Nothing here depends on the platform, on
the version of Python or on hash(): the same key gives the same order for ever, and resuming a
study relies on it.
"""

from collections.abc import Iterator
from hashlib import blake2b
from math import isqrt

# NIST SP 800-38G takes ten rounds for FF1, a Feistel network on small domains like these.
_ROUNDS = 10
# The hash is this much longer than the number that it is reduced to: the bias is below 2**-128.
_SPARE_BYTES = 16
_PERSON = b"gridruns order"


class Permutation:
    """A keyed permutation of range(n) in O(1) memory; `permutation[i]` costs O(1) time.

    Args:
        n: how many numbers, at least 1.
        key: 1 to 64 bytes. Other keys, and other n under the same key, give unrelated orders.

    Raises:
        ValueError: n or the key is outside these bounds.
    """

    def __init__(self, n: int, key: bytes) -> None:
        if n < 1:
            raise ValueError(f"n must be at least 1, but got {n}")
        if not 1 <= len(key) <= blake2b.MAX_KEY_SIZE:
            raise ValueError(f"key must have 1 to {blake2b.MAX_KEY_SIZE} bytes, but got {len(key)}")
        self.n = n
        self._a = isqrt(n - 1) + 1
        self._b = -(-n // self._a)
        self._width = (self._a.bit_length() + 7) // 8
        self._digest = self._width + _SPARE_BYTES
        self._blocks = -(-self._digest // blake2b.MAX_DIGEST_SIZE)
        self._keyed = blake2b(
            n.to_bytes((n.bit_length() + 7) // 8, "big"),
            key=key,
            digest_size=min(self._digest, blake2b.MAX_DIGEST_SIZE),
            person=_PERSON,
        )

    def __len__(self) -> int:
        """n, where len() can say it (up to sys.maxsize); `n` has no bound."""
        return self.n

    def __getitem__(self, i: int) -> int:
        """The number at place i of the order, 0 <= i < n, else IndexError."""
        if not 0 <= i < self.n:
            raise IndexError(f"index must be in 0..{self.n - 1}, but got {i}")
        found = self._encrypt(i)
        while found >= self.n:  # ab - n < a, so this is rare; the cycle leads back below n
            found = self._encrypt(found)
        return found

    def __iter__(self) -> Iterator[int]:
        """All n numbers in order, one at a time."""
        return map(self.__getitem__, range(self.n))

    def _encrypt(self, i: int) -> int:
        right, left = divmod(i, self._a)
        for turn in range(0, _ROUNDS, 2):
            left = (left + self._hash(turn, right)) % self._a
            right = (right + self._hash(turn + 1, left)) % self._b
        return right * self._a + left

    def _hash(self, turn: int, half: int) -> int:
        """The round function: `_digest` bytes that depend on the key, n, the round and one half."""
        message = bytes((turn,)) + half.to_bytes(self._width, "big")
        if self._blocks > 1:
            return self._long_hash(message)
        hashed = self._keyed.copy()
        hashed.update(message)
        return int.from_bytes(hashed.digest(), "big")

    def _long_hash(self, message: bytes) -> int:
        """Blocks of BLAKE2b in counter mode, for n beyond 2**768."""
        blocks = []
        for count in range(self._blocks):
            hashed = self._keyed.copy()
            hashed.update(message + count.to_bytes(4, "big"))
            blocks.append(hashed.digest())
        return int.from_bytes(b"".join(blocks), "big")
