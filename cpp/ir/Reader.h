//===- Reader.h - A function's body as plain data ---------------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_READER_H
#define LLMCOOP_IR_READER_H

#include <pybind11/pybind11.h>
#include <string>

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace llmcoop {

/// \p F as an `llmcoop.ir.body.Body`: everything that a reader of integer code
/// needs, and by name whatever else there is, so that nothing is overlooked.
pybind11::object readBody(const llvm::Function &F);

/// \p M as text, without what has no meaning: names of values, debug
/// information, the names of the module and its source. Two modules with the
/// same text are the same program.
std::string canonicalText(const llvm::Module &M);

} // namespace llmcoop

#endif // LLMCOOP_IR_READER_H
