"""Instructions of a GPU, counted: what one pass through the longest loop of a kernel issues.

A pass is the shortest way from the head of the loop back to it that calls nothing: divisions and
roots call a slow path for arguments out of the ordinary, and a particle that leaves its domain goes
another way, both of which are longer. `through` names instructions that a pass must have all the
same, such as the atomic addition of a histogram."""

import heapq
import re
from collections import Counter
from typing import NamedTuple

LINE = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:@(!?U?P\w+)\s+)?([A-Z][A-Z0-9_.]*)\s*([^;]*);")
LABEL = re.compile(r"^(\.L_x_\d+):")
TARGET = re.compile(r"`\((\.L_x_\d+)\)")
ATOMIC = ("RED", "REDG", "ATOM", "ATOMG", "ATOMS")
# The unit that works on an instruction, by the beginning of its name.
UNITS = {
    "float64": ("DADD", "DMUL", "DFMA", "DSETP", "DMNMX"),
    "float32": ("FADD", "FMUL", "FFMA", "FSWZADD", "HFMA2", "HADD2", "HMUL2"),
    "multiply": ("IMAD",),
    "integer": (
        *("IADD3", "IADD", "VIADD", "VIADDMNMX", "LOP3", "PLOP3", "SHF", "ISETP", "LEA", "SEL"),
        *("PRMT", "IMNMX", "VIMNMX", "FSEL", "FSETP", "FMNMX", "MOV", "IABS", "BMSK", "SGXT"),
        *("CS2R", "P2R", "R2P", "FCHK", "VOTE", "VOTEU"),
    ),
    "special": ("MUFU", "POPC", "FLO", "BREV", "F2F", "F2I", "I2F", "FRND", "I2I", "F2FP", "I2FP"),
    "memory": (
        *("LDG", "STG", "LDL", "STL", "LDS", "STS", "LDC", "LD", "ST", *ATOMIC),
        *("S2R", "S2UR", "R2UR", "SHFL", "CCTL", "MEMBAR", "ERRBAR"),
    ),
    "uniform": (
        *("UMOV", "UIADD3", "ULOP3", "USHF", "UIMAD", "UISETP", "ULEA", "USEL", "ULDC", "UPRMT"),
        *("UPLOP3", "UFLO", "UPOPC", "UBMSK", "USGXT", "UP2UR", "UR2UP", "UVIADD"),
    ),
    "control": (
        *("BRA", "BSSY", "BSYNC", "EXIT", "CALL", "RET", "NOP", "WARPSYNC", "BREAK", "BMOV"),
        *("YIELD", "BAR", "DEPBAR", "NANOSLEEP", "KILL", "RPCMOV"),
    ),
}
UNIT_OF = {name: unit for unit, names in UNITS.items() for name in names}


class Instruction(NamedTuple):
    """One line of machine code."""

    guard: str  # the predicate that must hold, or nothing
    name: str  # with its modifiers: IMAD.WIDE.U32
    operands: str

    @property
    def stem(self):
        """The name without modifiers."""
        return self.name.partition(".")[0]


class Block(NamedTuple):
    """Instructions that are issued one after the other, and the blocks that may follow."""

    instructions: tuple
    follows: tuple


def blocks_of(text):
    """The blocks of a kernel's machine code, in their order, as nvdisasm -c writes it."""
    starts, parts = {}, [[]]
    for line in text.splitlines():
        label, found = LABEL.match(line), LINE.search(line)
        if label:
            if parts[-1]:
                parts.append([])
            starts[label[1]] = len(parts) - 1
        elif found:
            parts[-1].append(Instruction(found[1] or "", found[2], found[3].strip()))
            if parts[-1][-1].stem in ("BRA", "EXIT", "RET"):
                parts.append([])
    return [Block(tuple(part), _follows(k, part, starts)) for k, part in enumerate(parts) if part]


def _follows(place, part, starts):
    last = part[-1] if part else None
    ends = last is not None and last.stem in ("BRA", "EXIT", "RET")
    target = TARGET.search(last.operands) if ends and last.stem == "BRA" else None
    # `@P0 BRA P1` and `BRA.DIV` may go on too
    may_go_on = not ends or last.guard or (target and not last.operands.startswith("`"))
    onward = (place + 1,) if may_go_on else ()
    return onward + ((starts[target[1]],) if target else ())


def loops_of(blocks):
    """(first, last) block of each loop, the longest first: an edge leads back from last to first.

    Blocks of a loop stand together, as ptxas puts them."""
    backward = [
        (head, tail) for tail, block in enumerate(blocks) for head in block.follows if head <= tail
    ]
    widest = {head: max(tail for first, tail in backward if first == head) for head, _ in backward}
    size = {
        (head, tail): sum(len(block.instructions) for block in blocks[head : tail + 1])
        for head, tail in widest.items()
    }
    return sorted(size, key=size.get, reverse=True)


def one_pass(text, through=()):
    """The instructions of one pass through the longest loop of a kernel, and whether it holds
    another loop, which then counts as one pass or none."""
    blocks = blocks_of(text)
    loops = loops_of(blocks)
    first, last = loops[0]
    inner = [loop for loop in loops[1:] if first < loop[0] and loop[1] <= last]
    allowed = {
        k
        for k in range(first, last + 1)
        if all(each.stem != "CALL" for each in blocks[k].instructions)
    }
    stops = [
        k
        for k in sorted(allowed)
        if any(each.stem in through for each in blocks[k].instructions) and k != first
    ]
    way = [first]
    for stop in [*stops, first]:
        way += _shortest(blocks, allowed, way[-1], stop)
    return [each for k in way[:-1] for each in blocks[k].instructions], bool(inner)


def _shortest(blocks, allowed, start, end):
    """The blocks of the shortest way from start to end, without the start."""
    best, queue = {}, [(0, (start,))]
    while queue:
        length, way = heapq.heappop(queue)
        if len(way) > 1 and way[-1] == end:
            return list(way[1:])
        if way[-1] in best:
            continue
        if len(way) > 1:
            best[way[-1]] = length
        for after in blocks[way[-1]].follows:
            if after in allowed and after not in best:
                more = len(blocks[after].instructions)
                heapq.heappush(queue, (length + more, (*way, after)))
    raise ValueError(f"no way leads from block {start} to block {end} without a call")


def by_unit(instructions):
    """How many instructions each unit gets, and "issue": all of them. A product of 64 bits counts
    as two multiplications."""
    counts = Counter(dict.fromkeys(UNITS, 0))
    for each in instructions:
        if each.stem not in UNIT_OF:
            raise ValueError(f"{each.name} belongs to no unit that is known: put it into UNITS")
        counts[UNIT_OF[each.stem]] += 2 if each.name.startswith("IMAD.WIDE") else 1
    return dict(counts) | {"issue": len(instructions)}
