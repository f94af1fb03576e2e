"""The machine of bpf(4) as its manual page describes it, instruction by instruction."""

from __future__ import annotations

from collections.abc import Sequence

from rumpwire.values import BpfInsn

M = 0xFFFFFFFF


def interpret(insns: Sequence[BpfInsn], p: bytes, length: int) -> int:
    if not insns:
        return M
    a = x = pc = 0
    mem = [0] * 16
    while True:
        i = insns[pc]
        pc += 1
        kind, k = i.code & 7, i.k
        if kind == 6:
            return a if i.code & 0x18 == 0x10 else k
        if kind in (0, 1):
            mode, size = i.code & 0xE0, {0: 4, 8: 2, 0x10: 1}[i.code & 0x18]
            if mode == 0xA0:
                if k >= len(p):
                    return 0
                x = (p[k] & 0xF) * 4
                continue
            if mode in (0x20, 0x40):
                at = k + (x if mode == 0x40 else 0)
                if at + size > len(p):
                    return 0
                value = int.from_bytes(p[at : at + size], "big")
            else:
                value = {0x00: k, 0x60: mem[k % 16], 0x80: length}[mode]
            if kind == 0:
                a = value
            else:
                x = value
        elif kind == 2:
            mem[k] = a
        elif kind == 3:
            mem[k] = x
        elif kind == 4:
            other, op = (x if i.code & 8 else k), i.code & 0xF0
            if op in (0x30, 0x90) and not other:
                return 0
            if op in (0x60, 0x70) and other >= 32:
                a = 0
                continue
            a = {
                0x00: lambda a, o: a + o, 0x10: lambda a, o: a - o, 0x20: lambda a, o: a * o,
                0x30: lambda a, o: a // o, 0x40: lambda a, o: a | o, 0x50: lambda a, o: a & o,
                0x60: lambda a, o: a << o, 0x70: lambda a, o: a >> o, 0x80: lambda a, o: -a,
                0x90: lambda a, o: a % o, 0xA0: lambda a, o: a ^ o,
            }[op](a, other) & M  # fmt: skip
        elif kind == 5:
            other, op = (x if i.code & 8 else k), i.code & 0xF0
            if op == 0:
                pc += k
            else:
                yes = {0x10: a == other, 0x20: a > other, 0x30: a >= other, 0x40: bool(a & other)}[op]
                pc += i.jt if yes else i.jf
        elif i.code & 0xF8 == 0x80:
            a = x
        else:
            x = a
