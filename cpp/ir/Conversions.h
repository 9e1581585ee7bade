//===- Conversions.h - The package's dataclasses, to and from C++ -*- C++
//-*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_CONVERSIONS_H
#define LLMCOOP_IR_CONVERSIONS_H

#include "IRModule.h"
#include "Mutants.h"
#include "Settings.h"
#include "shared/Multiversion.h"
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace llmcoop {

Tuning tuningFrom(pybind11::handle Object);
CodeGen codeGenFrom(pybind11::handle Object);

/// The LLVM options that a `Tuning` or `CodeGen` holds, then \p More.
std::vector<std::string> optionsFrom(pybind11::handle Settings,
                                     const std::vector<std::string> &More);

pybind11::list toPython(const std::vector<Remark> &Remarks);
pybind11::list toPython(const std::vector<FunctionInfo> &Functions);
pybind11::list toPython(const std::vector<Skipped> &Skipped);
pybind11::list toPython(const std::vector<Mutant> &Mutants);

/// Turns an IRError into the package's exception of that name.
void registerErrors();

} // namespace llmcoop

#endif // LLMCOOP_IR_CONVERSIONS_H
