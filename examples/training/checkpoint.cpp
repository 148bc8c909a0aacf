// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <system_error>

#include <zlib.h>

#include "../io/safetensors.hpp"

namespace tilery_examples {

namespace {

/// Numbers and lists as the texts that a safetensors file's metadata holds; what is read back is the same to the bit.
template <class Number>
std::string text_of(Number value) {
  char digits[64];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

/// The notes of a checkpoint file, of which each must be there and be what it is said to be.
class notes {
public:
  notes(const std::map<std::string, std::string>& texts, const std::filesystem::path& path, tilery::where at)
      : texts_(texts), subject_("The checkpoint " + path.string() + " has "), at_(at) {}

  const std::string& text(const std::string& name) const {
    const auto found = texts_.find(name);
    if (found == texts_.end())
      throw tilery::error(subject_ + "no note \"" + name + "\", but must have it; the trainers write it.", at_);
    return found->second;
  }
  template <class Number>
  Number number(const std::string& name, Number least, Number most) const {
    const std::string& digits = text(name);
    Number value{};
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc() || end != digits.data() + digits.size() || !(value >= least) || !(value <= most))
      refuse(name, "a number from " + text_of(least) + " to " + text_of(most));
    return value;
  }
  std::vector<std::string> list(const std::string& name) const {
    const auto parsed = nlohmann::json::parse(text(name), nullptr, false);
    const auto is_text = [](const nlohmann::json& value) { return value.is_string(); };
    if (!parsed.is_array() || parsed.empty() || !std::all_of(parsed.begin(), parsed.end(), is_text))
      refuse(name, "a list of texts");
    return parsed.get<std::vector<std::string>>();
  }

private:
  [[noreturn]] void refuse(const std::string& name, const std::string& must) const {
    throw tilery::error(subject_ + "the note \"" + name + "\" = " + quoted(texts_.at(name)) + ", but it must be " +
                            must + ".",
                        at_);
  }

  const std::map<std::string, std::string>& texts_;
  std::string subject_;
  tilery::where at_;
};

}  // namespace

const named_tensor& checkpoint::tensor(const std::string& name, const std::vector<std::uint64_t>& shape,
                                       const std::filesystem::path& path, tilery::where at) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const named_tensor& t) { return t.name == name; });
  const std::string subject = "The checkpoint " + path.string() + " has ";
  if (found == tensors.end())
    throw tilery::error(subject + "no tensor " + name + ", but a network \"" + network + "\" must have it.", at);
  if (found->shape != shape)
    throw tilery::error(subject + "the tensor " + name + " of shape " + shape_text(found->shape) +
                            ", but its network \"" + network + "\" must have " + shape_text(shape) + ".",
                        at);
  return *found;
}

std::uint32_t checksum(const labelled_images& images) {
  const uLong of_pixels = crc32_z(crc32_z(0, nullptr, 0), images.pixels.data(), images.pixels.size());
  return static_cast<std::uint32_t>(crc32_z(of_pixels, images.labels.data(), images.labels.size()));
}

void save_checkpoint(const std::filesystem::path& path, const checkpoint& content, tilery::where at) {
  const checkpoint& c = content;
  const nlohmann::json classes = c.class_names;
  const std::map<std::string, std::string> texts{{"network", c.network},
                                                 {"image rows", text_of(c.image.rows)},
                                                 {"image columns", text_of(c.image.columns)},
                                                 {"image channels", text_of(c.image.channels)},
                                                 {"pixel mean", text_of(c.scale.mean)},
                                                 {"pixel deviation", text_of(c.scale.deviation)},
                                                 {"classes", classes.dump(-1, ' ', false,
                                                                          nlohmann::json::error_handler_t::replace)},
                                                 {"trained on", c.trained_on},
                                                 {"training images", text_of(c.images_checksum)},
                                                 {"seed", text_of(c.plan.seed)},
                                                 {"epochs", text_of(c.plan.epochs)},
                                                 {"batch", text_of(c.plan.batch)},
                                                 {"steps", text_of(c.plan.steps)},
                                                 {"rate", text_of(c.plan.rate)},
                                                 {"decay", text_of(c.plan.decay)},
                                                 {"crop", text_of(c.plan.crop)},
                                                 {"flip", text_of(c.plan.flip ? 1 : 0)},
                                                 {"step", text_of(c.step)}};
  std::vector<tensor_entry> entries;
  for (const named_tensor& t : c.tensors)
    entries.push_back({t.name, "F32", t.shape, std::as_bytes(std::span(t.values))});
  write_safetensors(path, entries, texts, at);
}

checkpoint load_checkpoint(const std::filesystem::path& path, tilery::where at) {
  const safetensors_file file = read_safetensors(path, at);
  const notes n(file.metadata(), path, at);
  constexpr int most = 1 << 30;
  constexpr float largest = 1e6f;
  checkpoint c;
  c.network = n.text("network");
  c.image = {n.number("image rows", 1U, 1U << 16), n.number("image columns", 1U, 1U << 16),
             n.number("image channels", 1U, 3U)};
  c.scale = {n.number("pixel mean", -largest, largest), n.number("pixel deviation", 1e-6f, largest)};
  c.class_names = n.list("classes");
  c.trained_on = n.text("trained on");
  c.images_checksum = n.number("training images", 0U, ~0U);
  c.plan.seed = n.number("seed", std::uint64_t{0}, ~std::uint64_t{0});
  c.plan.epochs = n.number("epochs", 1, most), c.plan.batch = n.number("batch", 1, most);
  c.plan.steps = n.number("steps", 0, most), c.step = n.number("step", 0, most);
  c.plan.rate = n.number("rate", 0.0, 1e300), c.plan.decay = n.number("decay", 0.0, 1e300);
  c.plan.crop = n.number("crop", 0, most), c.plan.flip = n.number("flip", 0, 1) != 0;
  for (const tensor_entry& t : file.tensors()) {
    if (t.dtype != "F32")
      throw tilery::error("The checkpoint " + path.string() + " has the tensor " + t.name + " of type " + t.dtype +
                              ", but all must be F32.",
                          at);
    c.tensors.push_back({t.name, t.shape, std::vector<float>(t.bytes.size() / sizeof(float))});
    if (!t.bytes.empty()) std::memcpy(c.tensors.back().values.data(), t.bytes.data(), t.bytes.size());
  }
  return c;
}

}  // namespace tilery_examples
