#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The instructions of atoms and of clusters: ptxas takes each of them, for the archs that have it.
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
  "${compile[@]}" "-gencode=arch=compute_$arch,code=sm_$arch" -cubin "$here/ptx/atoms.cu" -o "$work/atoms.$arch.cubin"
  "${compile[@]}" "-arch=compute_$arch" --ptx "$here/ptx/atoms.cu" -o "$work/atoms.$arch.ptx"
  for instruction in "$@"; do
    grep -qF -- "$instruction" "$work/atoms.$arch.ptx" || {
      echo "sm_$arch: no $instruction in the PTX"
      exit 1
    }
  done
  echo "sm_$arch: $# instructions"
}

compile=("$@")
of_sm_80=('cp.async.ca.shared.global [%r' 'cp.async.cg.shared.global' 'cp.async.commit_group' 'cp.async.wait_group 1'
  'cp.async.wait_group 0' 'bar.sync' 'bar.arrive')
of_sm_90=('mbarrier.init' 'mbarrier.arrive.expect_tx' 'mbarrier.arrive.shared' 'mbarrier.try_wait.parity'
  'cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes' 'cp.async.bulk.global.shared::cta.bulk_group'
  'cp.async.bulk.commit_group' 'cp.async.bulk.wait_group.read 0' 'cp.async.bulk.wait_group 0' 'fence.proxy.async' '%cluster_ctarank'
  '%cluster_nctarank' 'mapa.shared::cluster.u32' 'barrier.cluster.arrive.release.aligned'
  'barrier.cluster.wait.acquire.aligned' 'ld.shared::cluster.u8' 'ld.shared::cluster.u16' 'ld.shared::cluster.u32'
  'ld.shared::cluster.v2.u32' 'ld.shared::cluster.v4.u32' 'st.shared::cluster.u8' 'st.shared::cluster.u16'
  'st.shared::cluster.u32' 'st.shared::cluster.v2.u32' 'st.shared::cluster.v4.u32')
expect 80 "${of_sm_80[@]}"
expect 90 "${of_sm_80[@]}" "${of_sm_90[@]}"
