"""Twenty kernels as people write them, without a thought of what a compiler likes; the names of their functions are ``tried``."""

USER_KERNELS = {
    "matrix product with bias and relu": """
def tried(a: In[s8, 4, 6], b: In[s8, 6, 5], bias: In[s32, 5], c: Out[s32, 4, 5]) -> None:
    for i in range(4):
        for j in range(5):
            acc = bias[j]
            for k in range(6):
                acc += a[i, k] * b[k, j]
            if acc < 0:
                acc = 0
            c[i, j] = acc
""",
    "softmax by a table": """
EXP = [256, 94, 35, 13, 5, 2, 1, 0]


@hlsgen.kernel
def tried(x: In[s8, 4, 6], y: Out[s32, 4, 6], total: Out[s32, 4]) -> None:
    for i in range(4):
        largest = x[i, 0]
        for j in range(1, 6):
            largest = max(largest, x[i, j])
        s = 0
        for j in range(6):
            e = EXP[min(largest - x[i, j], 7)]
            y[i, j] = e
            s += e
        total[i] = s
""",
    "histogram, then its prefix sums": """
def tried(x: In[u8, 40], bins: Out[s32, 8], cumulative: Out[s32, 8]) -> None:
    for n in range(40):
        bins[x[n] >> 5] += 1
    total = 0
    for k in range(8):
        total += bins[k]
        cumulative[k] = total
""",
    "moving average": """
def tried(x: In[s16, 24], y: Out[s16, 21]) -> None:
    total = 0
    for n in range(4):
        total += x[n]
    y[0] = total >> 2
    for n in range(4, 24):
        total += x[n] - x[n - 4]
        y[n - 3] = total >> 2
""",
    "place of the greatest in every row": """
def tried(x: In[s16, 4, 8], place: Out[s32, 4]) -> None:
    for i in range(4):
        best = x[i, 0]
        at = 0
        for j in range(1, 8):
            if x[i, j] > best:
                best = x[i, j]
                at = j
        place[i] = at
""",
    "bubble sort": """
def tried(x: InOut[s16, 8]) -> None:
    for n in range(7):
        for i in range(7 - n):
            if x[i] > x[i + 1]:
                x[i], x[i + 1] = x[i + 1], x[i]
""",
    "polynomials by Horner's rule": """
def tried(x: In[s32, 6], c: In[s32, 5], y: Out[s32, 6]) -> None:
    for n in range(6):
        t = x[n]
        r = c[4]
        for k in range(3, -1, -1):
            r = r * t + c[k]
        y[n] = r
""",
    "gaussian 3x3 with its border": """
WEIGHT = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


@hlsgen.kernel
def tried(x: In[u8, 6, 7], y: Out[u8, 6, 7]) -> None:
    for i in range(6):
        for j in range(7):
            if 0 < i < 5 and 0 < j < 6:
                s = 0
                for dy in range(3):
                    for dx in range(3):
                        s += WEIGHT[dy][dx] * x[i + dy - 1, j + dx - 1]
                y[i, j] = s >> 4
            else:
                y[i, j] = x[i, j]
""",
    "prefix sums in two dimensions": """
def tried(x: In[u8, 5, 6], s: Out[s32, 5, 6]) -> None:
    for i in range(5):
        row = 0
        for j in range(6):
            row += x[i, j]
            if i > 0:
                s[i, j] = s[i - 1, j] + row
            else:
                s[i, j] = row
""",
    "matrix times vector, then normalised": """
def tried(a: In[s8, 6, 6], x: In[s8, 6], y: Out[s32, 6]) -> None:
    for i in range(6):
        s = 0
        for j in range(6):
            s += a[i, j] * x[j]
        y[i] = s
    largest = 0
    for i in range(6):
        largest = max(largest, abs(y[i]))
    shift = 0
    while_bits = 20
    for b in range(while_bits):
        if largest >> b > 127:
            shift = b + 1
    for i in range(6):
        y[i] = y[i] >> shift
""",
    "correlation and energy at every lag": """
def tried(x: In[s16, 12], y: In[s16, 16], r: Out[s32, 5]) -> None:
    for lag in range(5):
        s = 0
        for n in range(12):
            s += x[n] * y[n + lag]
        energy = 0
        for n in range(12):
            energy += y[n + lag] * y[n + lag]
        if energy > 0 and s > 0:
            r[lag] = s - (energy >> 4)
        else:
            r[lag] = 0
""",
    "cascade of biquads": """
def tried(x: In[s16, 16], b: In[s16, 2, 3], a: In[s16, 2, 2], z: InOut[s32, 2, 2], y: Out[s16, 16]) -> None:
    for n in range(16):
        v = x[n]
        for s in range(2):
            t = v - ((a[s, 0] * z[s, 0] + a[s, 1] * z[s, 1]) >> 12)
            v = (b[s, 0] * t + b[s, 1] * z[s, 0] + b[s, 2] * z[s, 1]) >> 12
            z[s, 1] = z[s, 0]
            z[s, 0] = t
        y[n] = v
""",
    "run lengths": """
def tried(x: In[u8, 24], values: Out[u8, 24], lengths: Out[s32, 24], runs: Out[s32, 1]) -> None:
    k = 0
    values[0] = x[0]
    lengths[0] = 1
    for n in range(1, 24):
        if x[n] == x[n - 1]:
            lengths[k] += 1
        else:
            k += 1
            values[k] = x[n]
            lengths[k] = 1
    runs[0] = k + 1
""",
    "median of three": """
def tried(x: In[s16, 16], y: Out[s16, 16]) -> None:
    y[0] = x[0]
    for n in range(1, 15):
        a, b, c = x[n - 1], x[n], x[n + 1]
        y[n] = max(min(a, b), min(max(a, b), c))
    y[15] = x[15]
""",
    "dot product, then a scaled vector": """
def tried(a: In[s16, 10], b: In[s16, 10], y: Out[s32, 10]) -> None:
    s = 0
    for i in range(10):
        s += a[i] * b[i]
    scale = s >> 8
    for i in range(10):
        y[i] = scale * a[i]
""",
    "elimination below the diagonal": """
def tried(a: InOut[s32, 5, 5]) -> None:
    for k in range(4):
        pivot = a[k, k]
        for i in range(k + 1, 5):
            factor = a[i, k]
            for j in range(k, 5):
                a[i, j] = pivot * a[i, j] - factor * a[k, j]
""",
    "shortest paths": """
def tried(d: InOut[s32, 5, 5]) -> None:
    for k in range(5):
        for i in range(5):
            for j in range(5):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])
""",
    "steps of Viterbi's algorithm": """
def tried(seen: In[u8, 6], step: In[u8, 4, 4], miss: In[u8, 4, 8], cost: InOut[s32, 4], new: Out[s32, 4], back: Out[u8, 6, 4]) -> None:
    for t in range(6):
        for s in range(4):
            best = cost[0] + step[0, s]
            origin = 0
            for p in range(1, 4):
                c = cost[p] + step[p, s]
                if c < best:
                    best, origin = c, p
            new[s] = best + miss[s, seen[t] & 7]
            back[t, s] = origin
        for s in range(4):
            cost[s] = new[s]
""",
    "edit distance": """
def tried(a: In[u8, 6], b: In[u8, 7], row: Out[s32, 8], out: Out[s32, 1]) -> None:
    for j in range(8):
        row[j] = j
    for i in range(6):
        diagonal = row[0]
        row[0] = i + 1
        for j in range(7):
            cost = diagonal if a[i] == b[j] else diagonal + 1
            diagonal = row[j + 1]
            row[j + 1] = min(cost, row[j] + 1, diagonal + 1)
    out[0] = row[7]
""",
    "cyclic redundancy check": """
def tried(x: In[u8, 6], out: Out[u32, 1]) -> None:
    crc = 0xFFFFFFFF
    for n in range(6):
        crc ^= x[n]
        for bit in range(8):
            if crc & 1:
                crc = (crc >> 1) ^ 0xEDB88320
            else:
                crc = crc >> 1
    out[0] = crc ^ 0xFFFFFFFF
""",
}


def source_of(case: str) -> str:
    """The text of a kernel below the usual imports."""
    text = USER_KERNELS[case]
    return text if "@hlsgen.kernel" in text else f"@hlsgen.kernel{text}"
