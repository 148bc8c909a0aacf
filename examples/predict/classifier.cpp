// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "classifier.hpp"

#include <tilery/cpu.hpp>
#include <tilery/softmax.hpp>

#include <memory>

#include "../networks/mlp.hpp"
#include "../networks/residual_network.hpp"
#include "../training/evaluation.hpp"
#include "../training/trainee.hpp"

namespace tilery_examples {

namespace {

constexpr int images_at_once = 128;

/// The classifier of one kind of network.
template <template <class> class Network>
classifier classifier_of(const checkpoint& trained, const std::filesystem::path& path, const tilery::cpu& host) {
  const auto network =
      std::make_shared<Network<tilery::cpu>>(host, trained.image, static_cast<int>(trained.class_names.size()),
                                             images_at_once, 0);
  load_tensors(host, network->tensors().all(), "", trained, path, network->tensors().weights());

  const auto classify = [=](const picture& image) {
    const image_shape shape = image.shape();
    const labelled_images one{"", 1, shape.rows, shape.columns, shape.channels, 1, image.values, {0}};
    batches<tilery::cpu> loader(host, one, trained.scale, 1);
    std::vector<float> values = logits_of(host, *network, loader[0]);
    const auto row = tilery::matrix(values.data(), 1, values.size());
    tilery::softmax(host, row, row);
    return std::vector<double>(values.begin(), values.end());
  };
  const auto test_all = [=](const labelled_images& images) {
    batches<tilery::cpu> loader(host, images, trained.scale, images_at_once);
    return test(host, *network, loader, trained.class_names);
  };
  return {trained, classify, test_all};
}

}  // namespace

classifier load_classifier(const std::filesystem::path& path, int threads, tilery::where at) {
  const checkpoint trained = load_checkpoint(path, at);
  const tilery::cpu host = threads > 0 ? tilery::cpu(threads) : tilery::cpu();
  if (trained.network == mlp<tilery::cpu>::name) return classifier_of<mlp>(trained, path, host);
  if (trained.network == residual_network<tilery::cpu>::name)
    return classifier_of<residual_network>(trained, path, host);
  throw tilery::error("The checkpoint " + path.string() + " is of a network \"" + trained.network +
                          "\", but must be of \"" + mlp<tilery::cpu>::name + "\" or \"" +
                          residual_network<tilery::cpu>::name + "\".",
                      at);
}

}  // namespace tilery_examples
