//===- Cost.h - What code costs, estimated without running it ---*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_COST_H
#define LLMCOOP_IR_COST_H

#include "Settings.h"
#include <map>
#include <string>

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace llmcoop {

/// Estimated cycles of one call of \p F, with the defined functions it calls.
///
///   cost(F) = sum over blocks b of
///             trips(b) * sum over i in b of (TTI(i) + cost(callee of i))
///
/// TTI(i) is the target's reciprocal throughput on the function's own CPU (but
/// 14 for a scalar integer division); a recursive call counts as TTI(i) only.
/// trips(b) is how often b runs in one call: from the profile if F has one
/// (frequency of b / frequency of the entry), else from branch probabilities
/// within a loop, times the loops' trip counts; conditions right before a loop
/// hold. Trip counts are exact where LLVM knows them, else 256 elements divided
/// by the step of the variable that ends the loop (so that a loop vectorized by
/// 8 runs an eighth as often), 4 for the remainder of such a loop, and for one
/// that can't be counted 256 times what is left of its usual probability to go
/// on: unrolling it with an exit in each copy changes nothing.
double costOf(llvm::Function &F, const CodeGen &Settings);

/// Each function's own share (0 to 1) of the cost of the whole program: entry
/// count * cost without callees. Only for functions with a profile.
std::map<std::string, double> hotness(llvm::Module &M, const CodeGen &Settings);

} // namespace llmcoop

#endif // LLMCOOP_IR_COST_H
