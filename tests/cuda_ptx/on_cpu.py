"""The LLVM code that numba-cuda makes of the driver's kernel, run on this CPU thread by thread: the
bits of what is compiled for a GPU, without one."""

import ctypes
import re
from types import SimpleNamespace
from unittest.mock import patch

import llvmlite.binding as llvm
import numba
from numba import types
from numba.cuda import compiler, dispatcher

from langevin_sgd.engine.cuda import Updates, launch_of
from langevin_sgd.engine.reducers.of_run import due_bits

# What the device has and the CPU has not: the numbers of a thread, blocks being of one thread, a
# product of words, and the absolute value of its library.
DEVICE = """
@block = global i32 0
define i32 @thread_in_block() { ret i32 0 }
define i32 @threads_of_block() { ret i32 1 }
define i32 @block_in_grid() { %number = load i32, i32* @block
 ret i32 %number }
define i64 @product(i32 %a, i32 %b) { %wide_a = zext i32 %a to i64
 %wide_b = zext i32 %b to i64
 %product = mul i64 %wide_a, %wide_b
 ret i64 %product }
declare double @llvm.fabs.f64(double)
define double @__nv_fabs(double %x) { %size = call double @llvm.fabs.f64(double %x)
 ret double %size }
"""
PRODUCT = re.compile(r'call i64 asm +"mul\.wide\.u32 [^"]*", "[^"]*"')
REGISTERS = {"tid": "thread_in_block", "ntid": "threads_of_block", "ctaid": "block_in_grid"}


def moved(problem):
    """The ensemble of a problem after all its steps."""
    launch, updates = launch_of(problem), problem.steps * problem.dynamics.substeps
    ensemble, running, constants, _, first = launch.arguments
    due = due_bits(problem.reducers, 0, updates, problem.dynamics.substeps)
    steps = Updates(0, *problem.table.rows(0, updates), due)
    arguments = ensemble, running, constants, steps, first
    kinds = [numba.typeof(argument) for argument in arguments]
    engine, name = _compiled(launch.kernel, tuple(kinds))
    values = [one for pair in zip(arguments, kinds, strict=True) for one in _in_c(*pair)]
    kernel = ctypes.CFUNCTYPE(None, *map(type, values))(engine.get_function_address(name))
    block = ctypes.c_int32.from_address(engine.get_global_value_address("block"))
    for block.value in range(problem.particles):
        kernel(*values)
    return ensemble


def _in_c(value, kind):
    """What a kernel is handed for an argument, number by number."""
    if isinstance(kind, types.BaseTuple):
        pairs = zip(value, kind, strict=True)
        return [one for pair in pairs for one in _in_c(*pair)]
    if isinstance(kind, types.Array):
        numbers = 0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides
        return [ctypes.c_int64(number) for number in numbers]
    if isinstance(kind, types.Float):
        return [ctypes.c_double(value)]
    return [(ctypes.c_uint64 if kind == types.uint64 else ctypes.c_int64)(int(value))]


def _compiled(kernel, kinds):
    device = SimpleNamespace(compute_capability=(8, 0))
    with patch.object(dispatcher, "get_current_device", lambda: device):
        options = {"device": False, "abi": "numba", "cc": device.compute_capability}
        library, _ = compiler._compile_pyfunc_with_fixup(kernel, kinds, **options)
    return engine_of(library.llvm_strs)


def engine_of(texts):
    """What runs the kernel in numba-cuda's LLVM code, and the kernel's name."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=1)
    whole, *others = (llvm.parse_assembly(_for_cpu(text)) for text in texts)
    for module in others:
        whole.link_in(module)
    ours = re.compile(r'declare .*@"?(thread_|threads_|block_|product|__nv_fabs|llvm\.fabs\.f64)')
    lines = [line for line in str(whole).splitlines() if not ours.match(line)]
    module = llvm.parse_assembly("\n".join(lines) + DEVICE)
    unknown = [f.name for f in module.functions if f.is_declaration]
    assert all(name.startswith("llvm.") for name in unknown), unknown
    (name,) = [f.name for f in module.functions if not f.is_declaration and "build" in f.name]
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine, name


def _for_cpu(text):
    """LLVM code without what only NVIDIA's compiler knows."""
    text = re.sub(r'^target .*$|^@"?llvm\.used.*$|^!nvvm.*$', "", text, flags=re.MULTILINE)
    for register, name in REGISTERS.items():
        text = text.replace(f"llvm.nvvm.read.ptx.sreg.{register}.x", name)
    text = PRODUCT.sub("call i64 @product", text)
    if "@product(" in text:
        text += "\ndeclare i64 @product(i32, i32)\n"
    return text.replace("addrspace(4)", "").replace("ptx_kernel", "")
