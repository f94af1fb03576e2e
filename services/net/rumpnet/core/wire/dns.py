"""DNS (RFC 1035), as far as who passes messages on has to read them: the header, the question, and where TTLs stand."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import Malformed

# Offsets: identifier 0, flags 2, counts of questions 4, answers 6, authorities 8, additional records 10.
HEADER = struct.Struct("!HHHHHH")
HEADER_LEN = HEADER.size
RECORD = struct.Struct("!HHIH")
PORT = 53
RESPONSE, TRUNCATED = 0x8000, 0x0200
OPCODE_MASK, RCODE_MASK = 0x7800, 0x000F
SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED = 2, 3, 4
SOA, OPT = 6, 41
DNSSEC_OK = 0x8000
POINTER = 0xC0
NAME_MAX, RECORDS_MAX = 255, 4096
UDP_LEAST, UDP_MAX = 512, 1232
"""Bytes of an answer that every host takes in a datagram; and that go to one which takes more, lest they come in
fragments (RFC 9715)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, name in lower case (RFC 4343), and what of the header and of EDNS the answer depends on."""

    name: bytes
    type: int
    cls: int
    flags: int = 0
    dnssec: bool = False


@dataclass(slots=True)
class Message:
    """A message that was understood. ``ttls`` are where the TTLs of records stand, without EDNS."""

    ident: int
    flags: int
    question: Question
    raw_question: bytes
    ttls: list[int]
    lifetime: int
    """Seconds for which an answer holds: the smallest TTL; of an answer that there is nothing, what its SOA says (RFC
    2308)."""
    edns: int = 0
    """Bytes that the sender takes in a datagram, by its own word (RFC 6891); 0 when it says nothing."""

    @property
    def is_response(self) -> bool:
        return bool(self.flags & RESPONSE)


def parse(data: bytes | memoryview) -> Message:
    """Malformed for messages that are cut off, and for those with more or less than one question."""
    data = bytes(data)
    if len(data) < HEADER_LEN:
        raise Malformed(f"{len(data)} bytes are no DNS message")
    ident, flags, questions, answers, authorities, additional = HEADER.unpack_from(data)
    if questions != 1 or answers + authorities + additional > RECORDS_MAX:
        raise Malformed(f"{questions} questions")
    name, at = _name(data, HEADER_LEN)
    if at + 4 > len(data):
        raise Malformed("a question that is cut off")
    kind, cls = struct.unpack_from("!HH", data, at)
    raw, at = data[HEADER_LEN : at + 4], at + 4
    ttls: list[int] = []
    seconds: list[int] = []
    dnssec, edns = False, 0
    for number in range(answers + authorities + additional):
        _, at = _name(data, at)
        if at + RECORD.size > len(data):
            raise Malformed("a record that is cut off")
        rtype, rclass, ttl, length = RECORD.unpack_from(data, at)
        if at + RECORD.size + length > len(data):
            raise Malformed("a record that is cut off")
        if rtype == OPT:
            dnssec, edns = bool(ttl & DNSSEC_OK), max(rclass, UDP_LEAST)
        else:
            ttls.append(at + 4)
            negative = rtype == SOA and answers <= number < answers + authorities and length >= 4
            end = at + RECORD.size + length
            seconds.append(min(ttl, int.from_bytes(data[end - 4 : end], "big")) if negative else ttl)
        at += RECORD.size + length
    question = Question(name, kind, cls, flags & 0x0110, dnssec)
    return Message(ident, flags, question, raw, ttls, min(seconds) if seconds else 0, edns)


def _name(data: bytes, at: int) -> tuple[bytes, int]:
    """A name, as far as it is written here, in lower case, and where it ends. Pointers are not followed."""
    begin = at
    while True:
        if at >= len(data) or at - begin > NAME_MAX:
            raise Malformed("a name that is cut off or too long")
        length = data[at]
        if length & POINTER == POINTER:
            if at + 2 > len(data):
                raise Malformed("a pointer that is cut off")
            return data[begin : at + 2].lower(), at + 2
        if length & POINTER:
            raise Malformed("a label of a kind that is not known")
        at += 1 + length
        if not length:
            return data[begin:at].lower(), at


def aged(data: bytes, ttls: list[int], seconds: int) -> bytes:
    """A message as it is after so many seconds in a cache."""
    raw = bytearray(data)
    for at in ttls:
        left = max(0, int.from_bytes(raw[at : at + 4], "big") - seconds)
        raw[at : at + 4] = left.to_bytes(4, "big")
    return bytes(raw)


def with_ident(data: bytes, ident: int) -> bytes:
    return ident.to_bytes(2, "big") + data[2:]


def as_asked(data: bytes, ident: int, raw_question: bytes) -> bytes:
    """An answer to one who put the same question, perhaps in other letters."""
    return ident.to_bytes(2, "big") + data[2:HEADER_LEN] + raw_question + data[HEADER_LEN + len(raw_question) :]


def failure(message: Message, code: int) -> bytes:
    """An answer that there is no answer."""
    flags = RESPONSE | message.flags & (OPCODE_MASK | 0x0110) | 0x0080 | code
    return HEADER.pack(message.ident, flags, 1, 0, 0, 0) + message.raw_question


def truncated(data: bytes, raw_question: bytes, *, edns: bool) -> bytes:
    """What is said in a datagram that has no room for an answer: that the question is to be asked over TCP."""
    ident, flags = struct.unpack_from("!HH", data)
    opt = b"\0" + RECORD.pack(OPT, UDP_MAX, 0, 0) if edns else b""
    return HEADER.pack(ident, flags | TRUNCATED, 1, 0, 0, int(edns)) + raw_question + opt
