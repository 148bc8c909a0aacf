// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Macros that other headers define, with values that no text survives: a program may include those headers first. The
// standard library and CUDA are read before, because it is not their text that is tested.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <complex>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>
#include <csetjmp>
#include <csignal>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime_api.h>
#if __has_include(<boost/context/detail/fcontext.hpp>)
#include <boost/context/detail/fcontext.hpp>
#endif

// <complex.h>
#undef I
#define I hostile(
#undef complex
#define complex hostile(
#define imaginary hostile(
// <termios.h>, <ctype.h> of some systems
#undef B0
#define B0 hostile(
#undef B50
#define B50 hostile(
#define _A hostile(
#define _B hostile(
#define _C hostile(
#define _L hostile(
#define _N hostile(
#define _P hostile(
#define _S hostile(
#define _U hostile(
#define _X hostile(
// <windows.h>
#define min(a, b) hostile(
#define max(a, b) hostile(
#define small hostile(
#define near hostile(
#define far hostile(
#define hyper hostile(
#define interface hostile(
#define pascal hostile(
#define cdecl hostile(
#define IN hostile(
#define OUT hostile(
#define CONST hostile(
#define ERROR hostile(
#define DELETE hostile(
#define VOID hostile(
#define OPTIONAL hostile(
#undef TRUE
#define TRUE hostile(
#undef FALSE
#define FALSE hostile(
// <sys/sysmacros.h>, and what compilers define in their own dialect
#undef major
#define major(x) hostile(
#undef minor
#define minor(x) hostile(
#undef linux
#define linux hostile(
#undef unix
#define unix hostile(
// <math.h>
#undef DOMAIN
#define DOMAIN hostile(
#undef OVERFLOW
#define OVERFLOW hostile(
#undef PI
#define PI hostile(
// X11
#define None hostile(
#define Bool hostile(
#define Status hostile(
#define Success hostile(
#define Always hostile(
#define Complex hostile(
#define True hostile(
#define False hostile(
// Qt, the Linux kernel
#define signals hostile(
#define slots hostile(
#define emit hostile(
#define foreach hostile(
#define forever hostile(
#define likely(x) hostile(
#define unlikely(x) hostile(
// everybody's own
#define abs(x) hostile(
#define round(x) hostile(
#define sq(x) hostile(
#define DEBUG hostile(
#define SIMT hostile(
#define UNROLL hostile(
#define ALIGN hostile(
#define HOST hostile(
#define DEVICE hostile(
