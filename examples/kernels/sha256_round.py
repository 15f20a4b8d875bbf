"""The 64 rounds of SHA-256 (FIPS 180-4) on message blocks whose schedule is given."""

import math

import hlsgen
from hlsgen import In, InOut, u32

BLOCKS, ROUNDS = 2, 64
PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, math.isqrt(n) + 1))]


def cube_root_bits(n: int) -> int:
    """The first 32 bits of the fractional part of the cube root."""
    root: int = round(n ** (1 / 3) * 2**32)  # a first guess, then exact in integers
    while root**3 > n << 96:
        root -= 1
    while (root + 1) ** 3 <= n << 96:
        root += 1
    return root & 0xFFFFFFFF


CONSTANTS = [cube_root_bits(prime) for prime in PRIMES[:ROUNDS]]


def rotated(x: int, n: int) -> int:
    return (x >> n) | (x << (32 - n))


@hlsgen.kernel
def sha256_round(schedule: In[u32, BLOCKS, ROUNDS], state: InOut[u32, 8]) -> None:
    for block in range(BLOCKS):
        a, b, c, d = state[0], state[1], state[2], state[3]
        e, f, g, h = state[4], state[5], state[6], state[7]
        for t in range(ROUNDS):
            choice = (e & f) ^ (~e & g)
            majority = (a & b) ^ (a & c) ^ (b & c)
            s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
            t1 = h + s1 + choice + CONSTANTS[t] + schedule[block, t]
            t2 = s0 + majority
            h, g, f, e, d, c, b, a = g, f, e, d + t1, c, b, a, t1 + t2
        state[0] += a
        state[1] += b
        state[2] += c
        state[3] += d
        state[4] += e
        state[5] += f
        state[6] += g
        state[7] += h
