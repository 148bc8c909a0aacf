// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lessons in their order, and what each must improve on the one before.
#include "gemm_1_naive.hpp"
#include "gemm_2_coalesced.hpp"
#include "gemm_3_shared_memory.hpp"
#include "gemm_4_register_tile.hpp"
#include "gemm_5_vector_loads.hpp"
#include "gemm_6_double_buffering.hpp"
#include "softmax_1_naive.hpp"
#include "softmax_2_row_per_block.hpp"
#include "softmax_3_online.hpp"
#include "softmax_4_one_pass.hpp"

namespace learn {

course gemm_course() {
  return {"gemm",
          "C = A B, with A m x k and B k x n",
          {"m", "n", "k"},
          {256, 192, 128},
          {lesson_of<gemm_problem, gemm_naive>("a lane computes one element of C"),
           lesson_of<gemm_problem, gemm_coalesced>("neighbouring lanes read neighbouring elements",
                                                   {"sectors", &totals::sectors, 0.25}),
           lesson_of<gemm_problem, gemm_shared_memory>("a block fetches a tile once and keeps it in shared memory",
                                                       {"sectors", &totals::sectors, 0.15}),
           lesson_of<gemm_problem, gemm_register_tile>("a lane computes 4 x 4 elements in registers",
                                                       {"wavefronts", &totals::wavefronts, 0.5}),
           lesson_of<gemm_problem, gemm_vector_loads>("one instruction moves four floats",
                                                      {"requests of shared memory", &totals::shared_requests, 0.3}),
           lesson_of<gemm_problem, gemm_double_buffering>("the next tiles come while these are multiplied",
                                                          {"barriers", &totals::barriers, 0.65})}};
}

course softmax_course() {
  return {"softmax",
          "y = softmax(x) of each row",
          {"rows", "columns"},
          {64, 1024},
          {lesson_of<softmax_problem, softmax_naive>("a lane computes one row"),
           lesson_of<softmax_problem, softmax_row_per_block>("a block computes one row",
                                                             {"sectors", &totals::sectors, 0.25}),
           lesson_of<softmax_problem, softmax_online>("the maximum and the sum in one walk",
                                                      {"bytes", &totals::bytes, 0.8}),
           lesson_of<softmax_problem, softmax_one_pass>("the row stays in registers", {"bytes", &totals::bytes, 0.7})}};
}

}  // namespace learn
