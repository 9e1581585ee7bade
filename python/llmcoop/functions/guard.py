"""Call compiled code such that a fault, a trap or an endless loop in it comes back as an answer."""

from __future__ import annotations

import ctypes
import signal
from dataclasses import dataclass

# `guarded` gives 0, or the number of the signal that stopped the call; `fault` is then the address of a fault.
# A fault outside of a call, in a process whose memory is broken, ends the process.
RUNTIME = f"""
@llmcoop.environment = internal global [512 x i8] zeroinitializer, align 16
@llmcoop.armed = internal global i32 0
@llmcoop.fault = global i64 0

declare i32 @__sigsetjmp(ptr, i32) returns_twice
declare void @siglongjmp(ptr, i32) noreturn
declare void @_exit(i32) noreturn

define void @llmcoop.litter(i8 %byte) noinline {{
  %space = alloca [32768 x i8]
  call void @llvm.memset.p0.i64(ptr %space, i8 %byte, i64 32768, i1 true)
  ret void
}}

define i32 @llmcoop.guarded(ptr %call, ptr %slots, i8 %litter) {{
  call void @llmcoop.litter(i8 %litter)
  %signal = call i32 @__sigsetjmp(ptr @llmcoop.environment, i32 1) returns_twice
  %first = icmp eq i32 %signal, 0
  br i1 %first, label %go, label %stopped
go:
  store volatile i32 1, ptr @llmcoop.armed
  call void %call(ptr %slots)
  br label %stopped
stopped:
  store volatile i32 0, ptr @llmcoop.armed
  ret i32 %signal
}}

define void @llmcoop.on_signal(i32 %signal, ptr %information, ptr %context) {{
  %armed = load volatile i32, ptr @llmcoop.armed
  %stray = icmp eq i32 %armed, 0
  br i1 %stray, label %end, label %jump
end:
  %late = icmp eq i32 %signal, {signal.SIGVTALRM.value}
  br i1 %late, label %ignore, label %exit
ignore:
  ret void
exit:
  call void @_exit(i32 99)
  unreachable
jump:
  %at = getelementptr i8, ptr %information, i64 16
  %address = load i64, ptr %at
  store volatile i64 %address, ptr @llmcoop.fault
  call void @siglongjmp(ptr @llmcoop.environment, i32 %signal)
  unreachable
}}
"""

CAUGHT = (
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGTRAP,
    signal.SIGABRT,
    signal.SIGVTALRM,
)
_SA_SIGINFO, _SA_ONSTACK, _SA_NODEFER = 0x4, 0x08000000, 0x40000000
_STACK_BYTES = 1 << 16

_libc = ctypes.CDLL(None, use_errno=True)


class _Action(ctypes.Structure):
    """`struct sigaction` of glibc on x86-64."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class _Stack(ctypes.Structure):
    """`stack_t`."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@dataclass(frozen=True, slots=True)
class Stop:
    """What ended a call before it returned: a signal, and the address if it was a fault."""

    signal: int
    address: int


class Guard:
    """Calls functions of type `void (ptr)`. Takes over the signals of faults, in this process for good."""

    def __init__(self, guarded: int, on_signal: int, fault: int) -> None:
        """The addresses of what `RUNTIME` defines, compiled."""
        self._guarded = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(guarded)
        self._fault = ctypes.c_uint64.from_address(fault)
        self._on_signal = on_signal
        self._stack = ctypes.create_string_buffer(_STACK_BYTES)

    def install(self) -> None:
        """Take over the signals of faults, traps and of the timer."""
        stack = _Stack(ctypes.addressof(self._stack), 0, _STACK_BYTES)
        _libc.sigaltstack(ctypes.byref(stack), None)
        flags = _SA_SIGINFO | _SA_ONSTACK | _SA_NODEFER
        action = _Action(self._on_signal, (ctypes.c_ulong * 16)(), flags, None)
        for number in CAUGHT:
            _libc.sigaction(int(number), ctypes.byref(action), None)

    def call(self, function: int, slots: int, *, cpu_s: float, litter: int) -> Stop | None:
        """None when it returned. `litter` is the byte that the stack is full of before."""
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
        number = self._guarded(function, slots, litter)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return Stop(number, self._fault.value) if number else None
