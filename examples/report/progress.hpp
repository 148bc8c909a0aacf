// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shows how far training is. On a terminal one line is redrawn in place, at most ten times a second, and each finished
// epoch leaves its line above it; elsewhere (a log file, a pipe) there are the finished epochs' lines alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "progress_text.hpp"

namespace tilery_examples {

/// The progress display of one training run. A display that cannot be written to any more is no reason to stop
/// training: failures of the stream are ignored.
class progress {
public:
  /// Shows `epochs` epochs of `samples_per_epoch` samples on `output`, from now on.
  progress(std::uint64_t epochs, std::uint64_t samples_per_epoch, std::FILE* output = stdout)
      : epochs_(epochs), epoch_samples_(samples_per_epoch), output_(output), terminal_(is_terminal(output)) {}
  ~progress() { erase(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Begins in the middle, as a resumed training does: after `epochs_done` epochs and `samples` samples of the next.
  void begin_at(std::uint64_t epochs_done, std::uint64_t samples) {
    epoch_ = epochs_done + 1;
    samples_ = samples_before_ = samples;
    done_before_ = static_cast<double>(epochs_done * epoch_samples_ + samples);
  }

  /// Call after each step: `samples` more were trained on. `loss` is their mean, where the step has read it back.
  void add(std::uint64_t samples, std::optional<double> loss = std::nullopt) {
    samples_ += samples;
    last_add_ = clock::now();
    if (loss) {
      last_loss_ = loss;
      loss_sum_ += *loss * static_cast<double>(samples);
      loss_samples_ += samples;
    }
    if (terminal_ && last_add_ >= next_draw_) draw();
  }

  /// Call after each epoch, tested or not: prints its line and begins the next epoch.
  void end_epoch(std::optional<double> test_accuracy = std::nullopt) {
    const auto now = clock::now();
    epoch_summary summary{epoch_, epochs_, std::nullopt, test_accuracy, rate(), seconds(epoch_start_, now)};
    if (loss_samples_ > 0) summary.mean_loss = loss_sum_ / static_cast<double>(loss_samples_);
    say(epoch_line(summary));
    ++epoch_;
    samples_ = samples_before_ = loss_samples_ = 0;
    loss_sum_ = 0;
    epoch_start_ = last_add_ = now;
  }

  /// Prints a line of its own; what is drawn in place makes room and comes back within a tenth of a second.
  void say(std::string_view line) {
    erase();
    put(std::string(line) + "\n");
  }

private:
  using clock = std::chrono::steady_clock;

  static bool is_terminal(std::FILE* output) {
    const char* kind = std::getenv("TERM");
    return isatty(fileno(output)) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
  }
  static double seconds(clock::time_point from, clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  /// Samples a second in this epoch, up to its last step; 0 before the first.
  double rate() const {
    const double elapsed = seconds(epoch_start_, last_add_);
    return elapsed > 0 ? static_cast<double>(samples_ - samples_before_) / elapsed : 0;
  }

  std::size_t width() const {
    winsize size{};
    const bool known = ioctl(fileno(output_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col - 1U : 79U;  // the last column stays free: some terminals wrap there
  }

  void draw() {
    const double done = static_cast<double>((epoch_ - 1) * epoch_samples_ + samples_);
    const double all = static_cast<double>(epochs_ * epoch_samples_);
    std::optional<double> left;
    if (const double elapsed = seconds(start_, last_add_); elapsed > 1 && done > done_before_ && done <= all)
      left = elapsed / (done - done_before_) * (all - done);
    put("\r" + progress_line({epoch_, epochs_, samples_, epoch_samples_, last_loss_, rate(), left}, width()) +
        "\x1b[K");
    drawn_ = true;
    next_draw_ = last_add_ + std::chrono::milliseconds(100);
  }

  void erase() {
    if (drawn_) put("\r\x1b[K");
    drawn_ = false;
  }

  void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), output_);
    std::fflush(output_);
  }

  std::uint64_t epochs_, epoch_samples_;
  std::FILE* output_;
  bool terminal_, drawn_ = false;
  std::uint64_t epoch_ = 1, samples_ = 0, loss_samples_ = 0;
  std::uint64_t samples_before_ = 0;  // of this epoch, not seen here: they count as done, not for the speed
  double done_before_ = 0;            // samples of all epochs that were not seen here
  double loss_sum_ = 0;
  std::optional<double> last_loss_;
  clock::time_point start_ = clock::now(), epoch_start_ = start_, last_add_ = start_, next_draw_ = {};
};

}  // namespace tilery_examples
