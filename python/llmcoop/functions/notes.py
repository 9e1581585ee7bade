"""The IR that an instrumented function calls to note which memory it touches, and what of it is undefined."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from llmcoop.functions import layout


class Kind(IntEnum):
    """How a byte of memory is first used, as code loads and stores it."""

    UNKNOWN = 0
    I8 = 1
    I16 = 2
    I32 = 3
    I64 = 4
    FLOAT = 5
    DOUBLE = 6
    POINTER = 7
    OTHER = 8
    STORED_POINTER = 9


KIND_OF = {"i8": Kind.I8, "i16": Kind.I16, "i32": Kind.I32, "i64": Kind.I64, "float": Kind.FLOAT, "double": Kind.DOUBLE}
KIND_BYTES = {
    Kind.I8: 1,
    Kind.I16: 2,
    Kind.I32: 4,
    Kind.I64: 8,
    Kind.FLOAT: 4,
    Kind.DOUBLE: 8,
    Kind.POINTER: 8,
    Kind.STORED_POINTER: 8,
}


def kinds_in(shape: bytes) -> frozenset[Kind]:
    """The kinds that occur."""
    return frozenset(kind for kind in Kind if kind and kind in shape)


class Undefined(IntFlag):
    """Undefined behaviour, or poison made, on an input: another version may do anything with it."""

    NONE = 0
    OVERFLOW = 1
    SHIFT = 2
    CONVERSION = 4
    PROMISE = 8  # an assumption, a range or an alignment does not hold
    ALIASING = 16  # memory accessed as two types that must not be the same object
    UNREACHABLE = 32


RUNTIME = f"""
define internal void @llmcoop.undefined(i1 %bad, i64 %what) {{
  br i1 %bad, label %note, label %end
note:
  %at = inttoptr i64 {layout.UNDEFINED} to ptr
  %before = load i64, ptr %at
  %after = or i64 %before, %what
  store i64 %after, ptr %at
  br label %end
end:
  ret void
}}

define internal void @llmcoop.block(i64 %number) {{
  %address = add i64 {layout.BLOCKS}, %number
  %at = inttoptr i64 %address to ptr
  store i8 1, ptr %at
  ret void
}}

define internal void @llmcoop.access(ptr %p, i64 %size, i64 %count, i8 %kind, i8 %tag, i64 %align, i64 %write) {{
entry:
  %address = ptrtoint ptr %p to i64
  %from = sub i64 %address, {layout.ARENA}
  %zone = lshr i64 %from, {layout.ZONE_SHIFT}
  %bytes = mul i64 %size, %count
  %known = icmp ult i64 %zone, {layout.ZONES}
  %some = icmp ne i64 %bytes, 0
  %noted = and i1 %known, %some
  br i1 %noted, label %note, label %end
note:
  %mask = add i64 %align, -1
  %low.bits = and i64 %address, %mask
  %misaligned = icmp ne i64 %low.bits, 0
  call void @llmcoop.undefined(i1 %misaligned, i64 {Undefined.PROMISE.value})
  %within = and i64 %from, {layout.ZONE_BYTES - 1}
  %offset = sub i64 %within, {layout.MIDDLE}
  %stop = add i64 %offset, %bytes
  %index = shl i64 %zone, 3
  call void @llmcoop.lower(i64 {layout.LOW}, i64 %index, i64 %offset)
  call void @llmcoop.raise(i64 {layout.HIGH}, i64 %index, i64 %stop)
  call void @llmcoop.raise(i64 {layout.ALIGNMENT}, i64 %index, i64 %align)
  call void @llmcoop.raise(i64 {layout.WRITTEN}, i64 %index, i64 %write)
  %starts.inside = icmp ult i64 %offset, {layout.SHADOW_BYTES}
  %ends.inside = icmp ule i64 %stop, {layout.SHADOW_BYTES}
  %inside = and i1 %starts.inside, %ends.inside
  %typed = icmp ne i8 %kind, 0
  %shadowed = and i1 %inside, %typed
  br i1 %shadowed, label %shadow, label %end
shadow:
  %zone.base = mul i64 %zone, {layout.SHADOW_BYTES}
  %base = add i64 %zone.base, %offset
  br label %loop
loop:
  %i = phi i64 [ 0, %shadow ], [ %next, %stored ]
  %step = mul i64 %i, %size
  %shadow.offset = add i64 %base, %step
  %kind.address = add i64 {layout.KINDS}, %shadow.offset
  %kind.at = inttoptr i64 %kind.address to ptr
  %kind.before = load i8, ptr %kind.at
  %first = icmp eq i8 %kind.before, 0
  br i1 %first, label %keep, label %tags
keep:
  store i8 %kind, ptr %kind.at
  br label %tags
tags:
  %tag.address = add i64 {layout.TAGS}, %shadow.offset
  %tag.at = inttoptr i64 %tag.address to ptr
  %tag.before = load i8, ptr %tag.at
  %tagged = icmp ne i8 %tag, 0
  %was.tagged = icmp ne i8 %tag.before, 0
  %other = icmp ne i8 %tag, %tag.before
  %both = and i1 %tagged, %was.tagged
  %conflict = and i1 %both, %other
  call void @llmcoop.undefined(i1 %conflict, i64 {Undefined.ALIASING.value})
  br i1 %tagged, label %tag.it, label %stored
tag.it:
  store i8 %tag, ptr %tag.at
  br label %stored
stored:
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %count
  br i1 %again, label %loop, label %end
end:
  ret void
}}

define internal void @llmcoop.lower(i64 %base, i64 %index, i64 %value) {{
  %address = add i64 %base, %index
  %at = inttoptr i64 %address to ptr
  %before = load i64, ptr %at
  %less = icmp slt i64 %value, %before
  %least = select i1 %less, i64 %value, i64 %before
  store i64 %least, ptr %at
  ret void
}}

define internal void @llmcoop.raise(i64 %base, i64 %index, i64 %value) {{
  %address = add i64 %base, %index
  %at = inttoptr i64 %address to ptr
  %before = load i64, ptr %at
  %more = icmp sgt i64 %value, %before
  %most = select i1 %more, i64 %value, i64 %before
  store i64 %most, ptr %at
  ret void
}}
"""
