"""What passes and code generation can be told: the choices that clang makes from its flags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """How clang sets up LLVM's optimizer. The defaults are those of `clang -O3`."""

    level: str = "O3"  # O0, O1, O2, O3, Os or Oz
    loop_vectorization: bool = True
    slp_vectorization: bool = True
    loop_interleaving: bool = True
    loop_unrolling: bool = True
    loop_interchange: bool = False
    loop_fusion: bool = False
    merge_functions: bool = False
    call_graph_profile: bool = True
    assignment_tracking: bool = True
    devirtualize_speculatively: bool = False
    inliner_threshold: int = -1  # -1: the default of the level
    options: tuple[str, ...] = ()  # LLVM options (clang's -mllvm) while passes run

    @property
    def pipeline(self) -> str:
        """The textual pipeline that clang runs at this level."""
        return f"default<{self.level}>"


@dataclass(frozen=True, slots=True)
class CodeGen:
    """How clang sets up LLVM's code generator. The defaults are those of `clang -O3` on x86-64 Linux.

    CPU and features count only for code that no function attribute speaks for, such as module-level assembly.
    """

    cpu: str = "x86-64"
    features: str = ""  # "+avx2,-fma"
    level: int = 3  # 0 to 3
    relocation_model: str = "pic"  # static, pic or dynamic-no-pic
    code_model: str = ""  # small, kernel, medium or large; empty: the target's default
    large_data_threshold: int = -1  # bytes; -1: the target's default
    fp_contract: str = "on"  # "fast" lets the code generator fuse any multiplication with an addition
    no_infs: bool = False
    no_nans: bool = False
    vector_library: str = ""  # libmvec, SVML or AMDLIBM; empty: none
    debugger_tuning: str = "gdb"
    basic_block_sections: str = ""  # "all"; empty: none
    function_sections: bool = False
    data_sections: bool = False
    unique_section_names: bool = True
    addrsig: bool = True
    relax_relocations: bool = True
    init_array: bool = True
    zeros_in_bss: bool = True
    integrated_assembler: bool = True
    emulated_tls: bool = False
    tls_descriptors: bool = False
    stack_size_section: bool = False
    call_site_info: bool = False
    split_machine_functions: bool = False
    force_dwarf_frame: bool = False
    strict_dwarf: bool = False
    loop_alignment: int = 0  # bytes; 0: the CPU's default
    include_paths: tuple[str, ...] = ()  # searched by `.include` and `.incbin` in inline assembly
    options: tuple[str, ...] = ()  # LLVM options (clang's -mllvm) while code is generated
