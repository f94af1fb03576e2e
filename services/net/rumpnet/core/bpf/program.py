"""Filter programs (McCanne and Jacobson, 1993; bpf(4)): checked, then translated to a function of Python.

Jumps lead forward only, so a program ends, and can be written down as a sequence of blocks each of which is entered
when ``at`` has its number. What a program loads from beyond the packet makes it end with 0. Numbers have 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from rumpwire.errno import Errno, KernelError
from rumpwire.values import BpfInsn

INSNS_MAX = 512
MEMWORDS = 16
_MASK = 0xFFFFFFFF

LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
W, H, B = 0x00, 0x08, 0x10
IMM, ABS, IND, MEM, LEN, MSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
X = 0x08
"""Of ALU and JMP: the other operand is X, not k."""
A = 0x10
"""Of RET: the value is A, not k."""
TXA = 0x80
NEG = 0x80
JA = 0x00
_SIZES = {W: 4, H: 2, B: 1}
_ALU = {0x00: "+", 0x10: "-", 0x20: "*", 0x30: "//", 0x40: "|", 0x50: "&", 0x60: "<<", 0x70: ">>", 0x90: "%", 0xA0: "^"}
_JMP = {0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "&"}
_DIVISIONS = ("//", "%")

Filter = Callable[[memoryview, int], int]
"""Of a packet (what there is of it) and its length: how many bytes of it are wanted, 0 for none."""


def accept_all(packet: memoryview, length: int) -> int:
    """No program: all of every packet."""
    return _MASK


def compiled(insns: Sequence[BpfInsn]) -> Filter:
    """The filter of a program. EINVAL for one that could do harm."""
    validate(insns)
    if not insns:
        return accept_all
    space: dict[str, Any] = {}
    exec(_source(insns), {"__builtins__": {}, "len": len, "load": int.from_bytes}, space)  # noqa: S102  made of checked numbers
    made: Any = space["run"]
    made.made_by = compiled, (tuple(insns),)  # at a successor (`rumpuser.handover`)
    return cast("Filter", made)


def validate(insns: Sequence[BpfInsn]) -> None:
    """EINVAL, with what is wrong where."""
    if len(insns) > INSNS_MAX:
        raise KernelError(Errno.EINVAL, f"a program of {len(insns)} instructions; {INSNS_MAX} is the most")
    for number, insn in enumerate(insns):
        wrong = _wrong(insn, len(insns) - number - 1)
        if wrong:
            raise KernelError(Errno.EINVAL, f"instruction {number} ({insn.code:#x}): {wrong}")
    if insns and insns[-1].code & 7 != RET:
        raise KernelError(Errno.EINVAL, "the last instruction does not return")


def _wrong(insn: BpfInsn, rest: int) -> str:
    """What is wrong with an instruction that ``rest`` others follow; nothing if it is empty."""
    code = insn.code
    if not (0 <= code <= 0xFFFF and 0 <= insn.jt <= 0xFF and 0 <= insn.jf <= 0xFF and 0 <= insn.k <= _MASK):
        return "a field is out of range"
    if code not in _CODES:
        return "there is no such instruction"
    kind = code & 7
    if (kind in (ST, STX) or (kind in (LD, LDX) and code & 0xE0 == MEM)) and insn.k >= MEMWORDS:
        return f"memory has {MEMWORDS} words"
    if kind == ALU and _ALU.get(code & 0xF0) in _DIVISIONS and not code & X and not insn.k:
        return "division by zero"
    if kind == JMP:
        furthest = insn.k if code & 0xF0 == JA else max(insn.jt, insn.jf)
        if furthest >= rest:
            return "it jumps out of the program"
    return ""


def _codes() -> frozenset[int]:
    loads = {LD | size | mode for size in _SIZES for mode in (ABS, IND)}
    others = {LD | IMM, LD | MEM, LD | LEN, LDX | IMM, LDX | MEM, LDX | LEN, LDX | MSH | B, ST, STX}
    alu = {ALU | op | source for op in _ALU for source in (0, X)} | {ALU | NEG}
    jumps = {JMP | op | source for op in _JMP for source in (0, X)} | {JMP | JA}
    return frozenset(loads | others | alu | jumps | {RET, RET | A, MISC, MISC | TXA})


_CODES = _codes()


# -- translation


def _source(insns: Sequence[BpfInsn]) -> str:
    targets = {0}
    for number, insn in enumerate(insns):
        if insn.code & 7 == JMP:
            offsets = [insn.k] if insn.code & 0xF0 == JA else [insn.jt, insn.jf]
            targets.update(number + 1 + offset for offset in offsets)
            targets.add(number + 1)
    lines = ["def run(p, length):", " n = len(p); A = X = at = 0"]
    lines += [f" M{word} = 0" for word in sorted({i.k for i in insns if _uses_memory(i)})]
    for number, insn in enumerate(insns):
        if number in targets:
            lines.append(f" if at == {number}:")
        lines += [f"  {line}" for line in _lines(number, insn)]
        if number + 1 in targets and insn.code & 7 not in (JMP, RET):
            lines.append(f"  at = {number + 1}")
    return "\n".join(lines)


def _uses_memory(insn: BpfInsn) -> bool:
    kind = insn.code & 7
    return kind in (ST, STX) or (kind in (LD, LDX) and insn.code & 0xE0 == MEM)


def _lines(number: int, insn: BpfInsn) -> list[str]:
    kind = insn.code & 7
    if kind in (LD, LDX):
        return _load("A" if kind == LD else "X", insn)
    if kind in (ST, STX):
        return [f"M{insn.k} = {'A' if kind == ST else 'X'}"]
    if kind == ALU:
        return _compute(insn)
    if kind == JMP:
        return [_jump(number + 1, insn)]
    if kind == RET:
        return [f"return {'A' if insn.code & 0x18 == A else insn.k}"]
    return ["A = X" if insn.code & 0xF8 == TXA else "X = A"]


def _load(register: str, insn: BpfInsn) -> list[str]:
    k, mode = insn.k, insn.code & 0xE0
    if mode == IMM:
        return [f"{register} = {k}"]
    if mode == MEM:
        return [f"{register} = M{k}"]
    if mode == LEN:
        return [f"{register} = length"]
    if mode == MSH:
        return [f"if n <= {k}: return 0", f"X = (p[{k}] & 15) << 2"]
    size = _SIZES[insn.code & 0x18]
    if mode == ABS:
        begin, check = str(k), f"if n < {k + size}: return 0"
        end = str(k + size)
    else:
        begin, end, check = f"X + {k}", f"X + {k + size}", f"if n < X + {k + size}: return 0"
    value = f"p[{begin}]" if size == 1 else f"load(p[{begin}:{end}], 'big')"
    return [check, f"A = {value}"]


def _compute(insn: BpfInsn) -> list[str]:
    if insn.code == ALU | NEG:
        return [f"A = -A & {_MASK}"]
    sign = _ALU[insn.code & 0xF0]
    other = "X" if insn.code & X else str(insn.k)
    if sign in ("<<", ">>"):
        return [f"A = (A {sign} {other}) & {_MASK} if {other} < 32 else 0"]
    lines = [f"if not {other}: return 0"] if sign in _DIVISIONS and other == "X" else []
    return [*lines, f"A = (A {sign} {other}) & {_MASK}"]


def _jump(following: int, insn: BpfInsn) -> str:
    if insn.code & 0xF0 == JA:
        return f"at = {following + insn.k}"
    other = "X" if insn.code & X else str(insn.k)
    sign = _JMP[insn.code & 0xF0]
    return f"at = {following + insn.jt} if A {sign} {other} else {following + insn.jf}"
