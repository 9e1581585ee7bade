"""Which functions the validator of our own reasons about, and why not the others."""

from __future__ import annotations

from llmcoop.ir.body import Attributes, Body, Instruction, Other, Type
from llmcoop.validation import intrinsics, lanes

_WIDEST = 128
_MOST_LANES = 64
_CONTROL = frozenset({"phi", "br", "switch", "ret", "unreachable"})
_OTHER = frozenset({"freeze", "extractvalue", "insertvalue", "shufflevector"})
_HARMLESS_METADATA = frozenset({"prof", "annotation", "unpredictable", "srcloc", "nosanitize", "llvm.loop"})
_ABI = frozenset({"zeroext", "signext", "inreg", "immarg"})
# They promise nothing that code without memory, calls and loops could break.
_OF_FUNCTIONS = frozenset(
    (
        *("nounwind", "willreturn", "nosync", "nofree", "norecurse", "mustprogress", "nocallback", "uwtable"),
        *("noinline", "alwaysinline", "inlinehint", "hot", "cold", "optsize", "minsize", "optnone", "optdebug"),
        *("noredzone", "ssp", "sspstrong", "sspreq", "null_pointer_is_valid", "sanitize_address", "noimplicitfloat"),
        *("memory", "allockind", "fn_ret_thunk_extern", "jumptable", "nonlazybind", "nocf_check", "noprofile"),
    )
)


def why_unsupported(old: Body, new: Body) -> str:
    """Why this pair is beyond the validator; empty if it is not."""
    if old.signature != new.signature:
        return f"the signatures differ: {old.signature} and {new.signature}"
    return _in_body(old) or _in_body(new)


def _in_body(body: Body) -> str:
    order = body.order()
    if order is None:
        return "a loop"
    reasons = [_in_attributes(body.attributes, _OF_FUNCTIONS), _in_attributes(body.return_attributes, _ABI)]
    reasons.append(_in_type(body.returns))
    for parameter in body.parameters:
        reasons += [_in_type(parameter.type), _in_attributes(parameter.attributes, _ABI)]
    reasons += [_in_instruction(instruction) for block in order for instruction in body.blocks[block]]
    return next(filter(None, reasons), "")


def _in_type(type_: Type) -> str:
    widths = type_.lane_widths
    if any(not 0 < width <= _WIDEST for width in widths):
        return f"type {type_.text}"
    return f"type {type_.text}: too many elements" if len(widths) > _MOST_LANES else ""


def _in_attributes(attributes: Attributes, known: frozenset[str]) -> str:
    # An attribute may have arguments: memory(none), uwtable(sync).
    unknown = (text for text in attributes.others if text.split("(")[0].split("=")[0] not in known)
    return next((f"attribute {text}" for text in unknown), "")


def _in_instruction(instruction: Instruction) -> str:
    opcode = instruction.opcode
    if opcode == "call":
        return _in_call(instruction) or _in_operands(instruction)
    if opcode not in lanes.OPCODES | _CONTROL | _OTHER:
        return f"instruction {opcode}"
    return _in_operands(instruction) or _in_result(instruction)


def _in_call(call: Instruction) -> str:
    if call.callee not in intrinsics.NAMES:
        return f"a call of {call.callee or 'a pointer'}"
    if call.bundles:
        return f"a call of {call.callee} with operand bundles"
    attributes = (call.attributes, *call.operand_attributes)
    return next(filter(None, (_in_attributes(each, _ABI) for each in attributes)), "") or _in_result(call)


def _in_operands(instruction: Instruction) -> str:
    if instruction.callee in intrinsics.NOTHING:
        return ""
    return next((operand.text for operand in instruction.operands if isinstance(operand, Other)), "")


def _in_result(instruction: Instruction) -> str:
    if unknown := set(instruction.metadata) - _HARMLESS_METADATA:
        return f"metadata {min(unknown)}"
    return _in_type(instruction.type)


def may_be_undefined(body: Body) -> bool:
    """Whether a caller may pass undef or poison."""
    return not all(parameter.attributes.noundef for parameter in body.parameters)
