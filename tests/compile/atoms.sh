#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The instructions of atoms and of clusters: ptxas takes each of them, for the archs that have it. A pass for a device
# that has not an atom's instruction ends with a sentence that names the atom and the arch.
#
#   atoms.sh WORK_FOLDER NVCC ARGUMENT...

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$1
shift
mkdir -p "$work"

# expect ARCH INSTRUCTION...: the unit compiles for ARCH, and its PTX has each instruction.
expect() {
  local arch=$1 instruction
  shift
  "${compile[@]}" "-arch=compute_$arch" --ptx "$here/ptx/atoms.cu" -o "$work/atoms.$arch.ptx"
  "$ptxas" "-arch=sm_$arch" "$work/atoms.$arch.ptx" -o "$work/atoms.$arch.cubin"
  for instruction in "$@"; do
    grep -qF -- "$instruction" "$work/atoms.$arch.ptx" || {
      echo "sm_$arch: no $instruction in the PTX"
      exit 1
    }
  done
  echo "sm_$arch: $# instructions"
}

compile=("$@")
ptxas=$(dirname "$(readlink -f "$(command -v "$1")")")/ptxas
of_sm_75=()
for count in 1 2 4; do of_sm_75+=("ldmatrix.sync.aligned.m8n8.x$count.shared.b16" "ldmatrix.sync.aligned.m8n8.x$count.trans.shared.b16"); done
of_sm_75+=('atom.shared.cta.add.u32' 'atom.shared.cta.max.s32' 'atom.shared.cta.exch.b32' 'atom.shared.cta.cas.b32'
  'atom.shared.cta.add.f32' 'atom.shared.cta.add.u64' 'atom.shared.cta.max.u64' 'atom.shared.cta.exch.b64'
  'atom.shared.cta.cas.b64' 'global.cas.b32' 'ld.volatile.shared.u32' 'st.volatile.shared.u32')
of_sm_80=('cp.async.ca.shared.global [%r' 'cp.async.cg.shared.global' 'cp.async.commit_group' 'cp.async.wait_group 1'
  'cp.async.wait_group 0' 'bar.sync' 'bar.arrive' ', 4, outside;' ', 8, outside;' ', 16, outside;'
  'mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32' 'mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32'
  'mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32' 'mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32'
  'mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64')
of_sm_89=()
for a in e4m3 e5m2; do for b in e4m3 e5m2; do of_sm_89+=("mma.sync.aligned.m16n8k32.row.col.f32.$a.$b.f32"); done; done
of_sm_90=('mbarrier.init' 'mbarrier.inval' 'mbarrier.arrive.expect_tx' 'mbarrier.arrive.shared' 'mbarrier.try_wait.parity'
  'cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes' 'cp.async.bulk.global.shared::cta.bulk_group'
  'cp.async.bulk.commit_group' 'cp.async.bulk.wait_group.read 0' 'cp.async.bulk.wait_group 0' 'fence.proxy.async' '%cluster_ctarank'
  '%cluster_nctarank' 'mapa.shared::cluster.u32' 'barrier.cluster.arrive.release.aligned'
  'barrier.cluster.wait.acquire.aligned' 'ld.shared::cluster.u8' 'ld.shared::cluster.u16' 'ld.shared::cluster.u32'
  'ld.shared::cluster.v2.u32' 'ld.shared::cluster.v4.u32' 'st.shared::cluster.u8' 'st.shared::cluster.u16'
  'st.shared::cluster.u32' 'st.shared::cluster.v2.u32' 'st.shared::cluster.v4.u32')
for count in 1 2 4; do of_sm_90+=("stmatrix.sync.aligned.m8n8.x$count.shared.b16" "stmatrix.sync.aligned.m8n8.x$count.trans.shared.b16"); done

expect 75 "${of_sm_75[@]}"
expect 80 "${of_sm_75[@]}" "${of_sm_80[@]}"
expect 89 "${of_sm_75[@]}" "${of_sm_80[@]}" "${of_sm_89[@]}"
for arch in 90 100 120; do
  expect $arch "${of_sm_75[@]}" "${of_sm_80[@]}" "${of_sm_89[@]}" "${of_sm_90[@]}"
done

# refuses PASS ATOM CALL ARGUMENT...: the kernel that makes this call does not compile, and the compiler says why.
refuses() {
  local sentence="$2 is not available on this device; the kernel must name its feature in needs: $1" call=$3
  shift 3
  if "${compile[@]}" "$@" "-DCALLED=$call" -c "$here/ptx/missing_needs.cu" -o "$work/missing_needs.o" >"$work/missing_needs.log" 2>&1; then
    echo "a call compiles, where the compiler must say \"$sentence\""
    exit 1
  fi
  grep -qF -- "$sentence" "$work/missing_needs.log" || {
    echo "the compiler must say \"$sentence\", but it says:"
    head -n 20 "$work/missing_needs.log"
    exit 1
  }
  echo "$sentence"
}

refuses '__CUDA_ARCH__ 750' copy_async copy_async -arch=sm_75
refuses '__CUDA_ARCH__ 750' wait_copies wait_copies -arch=sm_75
refuses '__CUDA_ARCH__ 750' mma_sync mma_f16 -arch=sm_75
refuses '__CUDA_ARCH__ 800' mma_sync mma_fp8 -arch=sm_80
refuses '__CUDA_ARCH__ 800' store_matrices store_matrices -arch=sm_80
for atom in fence_proxy init sync_cluster of_block; do refuses '__CUDA_ARCH__ 890' $atom $atom -arch=sm_89; done
for atom in copy_async load_matrices sync_named fence_proxy; do refuses 'a HIP device' $atom $atom -x c++ -D__HIP_DEVICE_COMPILE__; done
refuses 'a HIP device' mma_sync mma_f16 -x c++ -D__HIP_DEVICE_COMPILE__
# The same calls compile where the instruction is.
for call in copy_async mma_f16 load_matrices; do
  "${compile[@]}" -arch=compute_80 "-DCALLED=$call" --ptx "$here/ptx/missing_needs.cu" -o "$work/missing_needs.ptx"
done
