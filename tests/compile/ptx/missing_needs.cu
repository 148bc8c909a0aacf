// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A kernel that does not name the feature of the atom that it calls (macro CALLED). A pass for an arch without the
// feature ends with a sentence. Compiled as C++, with the macro of a HIP device pass, the file stands for such a pass.
#include <tilery/atoms/copy_async.hpp>
#include <tilery/atoms/copy_bulk.hpp>
#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
#include <tilery/atoms/named_barrier.hpp>
#ifdef __CUDACC__
#include <tilery/cuda.hpp>
#else
#include <tilery/simt/cpu_lane.hpp>
#endif

namespace missing_needs {

using namespace tilery;
using namespace tilery::atoms;

enum class call {
  copy_async,
  wait_copies,
  mma_f16,
  mma_fp8,
  load_matrices,
  store_matrices,
  fence_proxy,
  init,
  sync_named,
  sync_cluster,
  of_block
};
constexpr call called = call::CALLED;

struct params {
  gmem_ptr<const float> in;
  gmem_ptr<float> out;
};

struct kernel {
  static constexpr const char* name = "missing_needs";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<float, 256> x;
    mbarrier full;
  };
  template <class A, class Lane>
  TILERY_SIMT static void multiply(Lane lane) {
    using fragments = mma_fragments<A>;
    typename fragments::a_type a[1] = {};
    typename fragments::b_type b[1] = {};
    typename fragments::c_type c[1][1] = {};
    mma_sync<A>(lane, c, a, b);
  }
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    [[maybe_unused]] std::uint32_t held[1] = {};
    if constexpr (called == call::copy_async) copy_async<4>(lane, smem.x.at(0), p.in);
    if constexpr (called == call::wait_copies) wait_copies<0>(lane);
    if constexpr (called == call::mma_f16) multiply<half>(lane);
    if constexpr (called == call::mma_fp8) multiply<fp8_e4m3>(lane);
    if constexpr (called == call::load_matrices) load_matrices<1>(lane, held, smem.x.at(0));
    if constexpr (called == call::store_matrices) store_matrices<1>(lane, smem.x.at(0), held);
    if constexpr (called == call::fence_proxy) fence_proxy(lane);
    if constexpr (called == call::init) init(lane, smem.full, 1);
    if constexpr (called == call::sync_named) sync_named(lane, 1, 64);
    if constexpr (called == call::sync_cluster) lane.sync_cluster();
    if constexpr (called == call::of_block) (void)lane.of_block(smem.x.at(0), 1);
  }
};

}  // namespace missing_needs

#ifdef __CUDACC__
void use() { tilery::launch<missing_needs::kernel>(tilery::cuda(), {1}, missing_needs::params{}); }
#else
struct other_lane : tilery::cpu_lane {
  using cpu_lane::cpu_lane;
  static constexpr bool runs_on_device = true;
};
void use(missing_needs::params& p, missing_needs::kernel::shared& smem) {
  missing_needs::kernel::run(other_lane({}, {}), p, smem);
}
#endif
