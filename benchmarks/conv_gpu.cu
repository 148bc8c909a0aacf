// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution on a GPU beside cuDNN, in one process, on the same data, in turn: forward, data gradient and weight
// gradient, channels-last. The problems are those of conv_shapes.txt in bf16, tf32 and f32, and the depthwise ones of
// conv_depthwise_shapes.txt in bf16 and f32. A wrong result fails the run. cuDNN is opened at run time; TILERY_CUDNN
// names its file where the loader does not find it.
//
//   conv_gpu                    all shapes, 32 and 256 images
//   conv_gpu --images 1,32      other numbers of images
//   conv_gpu --quick            the shapes that are marked quick, 32 images, bf16
//   conv_gpu --shapes FILE      another file's
//
// Other arguments are Google Benchmark's, such as --benchmark_filter=resnet50/.*/forward/bf16
#include "benchmarks/conv_gpu.hpp"

#include "benchmarks/conv_depthwise_shapes_text.hpp"
#include "benchmarks/conv_shapes_text.hpp"
#include "benchmarks/options.hpp"

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

std::vector<conv_shape> built_in_shapes() {
  auto shapes = parse_conv_shapes(conv_shapes_text);
  const auto depthwise = parse_conv_shapes(conv_depthwise_shapes_text);
  shapes.insert(shapes.end(), depthwise.begin(), depthwise.end());
  return shapes;
}

/// The numbers of images of an option's value.
std::vector<int> numbers_of_images(const std::string& listed) {
  std::vector<int> numbers;
  for (const std::string& number : comma_separated(listed)) numbers.push_back(number_of("--images", number));
  return numbers;
}

void add_all(conv_session& session, const std::vector<conv_shape>& shapes, const std::vector<int>& numbers,
             bool quick) {
  for (const int images : numbers)
    for (const conv_shape& shape : shapes)
      for (const conv_direction direction :
           {conv_direction::forward, conv_direction::data_gradient, conv_direction::weight_gradient}) {
        if (quick && !shape.quick) continue;
        const conv_case problem{shape, images, direction};
        add_conv<bf16>(session, problem);
        if (quick) continue;
        add_conv<float>(session, problem);
        if (shape.groups == 1) add_conv<tf32>(session, problem);
      }
}

}  // namespace

int main(int count, char** arguments) try {
  const bool quick = take_option(count, arguments, "--quick", false).has_value();
  const auto images = take_option(count, arguments, "--images", true);
  const auto file = take_option(count, arguments, "--shapes", true);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto shapes = file ? read_conv_shapes(*file) : built_in_shapes();
  const auto numbers = numbers_of_images(images ? *images : quick ? "32" : "32,256");
  if (cuda_devices() == 0) return std::fprintf(stderr, "conv_gpu: there is no GPU\n"), 77;

  conv_session session;
  introduce(session);
  add_all(session, shapes, numbers, quick);
  tilery_benchmarks::run_with_table();
  print_summary(session);
  if (session.failed) std::fprintf(stderr, "conv_gpu: a result was wrong or a call failed\n");
  return session.failed ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "conv_gpu: %s\n", error.what());
  return 1;
}
