// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random programs of lanes, and an oracle that says which of their accesses race. The oracle knows nothing of the
// virtual GPU's engine: it takes the trace of a run, draws the edges of PTX's memory model (ISA 8.5, "Memory
// Consistency Model": program order, barriers, release and acquire patterns with their scopes, cp.async and its waits),
// closes them in O(n^2), and compares every pair of accesses.
#pragma once

#include "tests/draw.hpp"
#include "tests/planted.hpp"

#include <tilery/atoms/copy_async.hpp>

#include <bitset>
#include <cstdio>
#include <map>
#include <set>

namespace fuzz {

using namespace tilery;

constexpr int lanes = 64, shared_bytes = 64, global_cells = 16, flag_cells = 4, hand_overs = 16, most_events = 1024;

// --- programs

enum class does : int {
  load,
  store,
  add,
  exchange,
  read,
  write,
  fence,
  wait,
  copy,
  commit,
  wait_copies,
  sync_block,
  sync_warp,
  shuffle
};
constexpr bool is_atomic(does d) { return d >= does::add && d <= does::write; }

/// One verb of one lane. Each stands on a line of its own, so that a report names it.
struct op {
  does what = does::load;
  int line = 0;
  bool in_shared = false;
  int at = 0, bytes = 4;  // byte of its memory
  int from = 0;           // of a copy: byte of global memory; of wait_copies: the groups that may stay under way
  order o = order::relaxed;
  scope s = scope::device;
};

struct program {
  int blocks = 1;
  std::vector<std::vector<op>> of_lane;  // (block, lane)
  /// Whether a lane does more than to come to barriers. Of others a trace has nothing.
  bool is_active(int block, int lane) const {
    const std::vector<op>& all = of(block, lane);
    return std::any_of(all.begin(), all.end(), [](const op& x) { return x.what < does::sync_block; });
  }
  const std::vector<op>& of(int block, int lane) const {
    return of_lane[static_cast<std::size_t>(block * lanes + lane)];
  }
};

/// Lanes of which something more than barriers is asked are few; rounds of verbs end in a barrier, or in none.
inline program draw_program() {
  using tilery_tests::draw;
  program p;
  p.blocks = draw(1, 3);
  p.of_lane.resize(static_cast<std::size_t>(p.blocks * lanes));
  int line = 1000, handed = 0;
  const auto draw_op = [&] {
    op x;
    const int which = draw(0, 99);
    x.in_shared = draw(0, 1) != 0;
    const int word = draw(0, 7);
    x.o = static_cast<order>(draw(0, 3));
    x.s = draw(0, 4) == 0 ? scope::block : scope::device;
    const int widths[] = {1, 2, 4, 8, 16};
    x.bytes = x.in_shared ? widths[draw(0, 4)] : 4 << draw(0, 1);
    x.at = word * 4 / x.bytes * x.bytes;
    if (which < 28) {
      x.what = does::load;
    } else if (which < 50) {
      x.what = does::store;
    } else if (which < 80) {  // on flags, which are behind the data, or, more rarely, on data
      x.what = static_cast<does>(draw(static_cast<int>(does::add), static_cast<int>(does::write)));
      if (x.what == does::read && x.o == order::release) x.o = order::acquire;
      if (x.what == does::write && x.o == order::acquire) x.o = order::release;
      x.bytes = draw(0, 24) == 0 ? 8 : 4;
      const bool on_data = draw(0, 9) == 0;
      x.at = ((on_data ? 0 : x.in_shared ? shared_bytes / 4 - flag_cells : global_cells) + draw(0, flag_cells - 1)) * 4;
      x.at = x.at / x.bytes * x.bytes;
    } else if (which < 88) {
      x.what = does::fence;
    } else if (which < 94) {
      x.what = does::copy, x.in_shared = true;
      x.bytes = 4 << draw(0, 2);
      x.at = word * 4 / x.bytes * x.bytes;
      x.from = draw(0, 7) * 4 / x.bytes * x.bytes;
    } else if (which < 97) {
      x.what = does::commit;
    } else {
      x.what = does::wait_copies, x.from = draw(0, 1);
    }
    x.line = ++line;
    return x;
  };
  for (int block = 0; block < p.blocks; ++block) {
    std::vector<int> active;
    for (int i = draw(2, 6); i > 0; --i) active.push_back(draw(0, 3) == 0 ? draw(0, 1) * 32 : draw(0, lanes - 1));
    const int rounds = draw(1, 4);
    for (int round = 0; round < rounds; ++round) {
      for (const int lane : active)
        for (int n = draw(-1, 2); n > 0; --n)
          p.of_lane[static_cast<std::size_t>(block * lanes + lane)].push_back(draw_op());
      // A lane hands a value to another one of its block, or of the next: it sets a flag, for which that one waits.
      // Both are drawn at one time, and scripts are in the order of drawing, so that nobody waits for ever.
      if (handed < hand_overs && draw(0, 1) == 0) {
        const int giver = block > 0 && draw(0, 1) ? block - 1 : block;
        const int to = active[static_cast<std::size_t>(draw(0, static_cast<int>(active.size()) - 1))],
                  from = draw(0, 1) ? (to + 32) % lanes : draw(0, lanes - 1);
        if (giver != block || from != to) {
          auto& gives = p.of_lane[static_cast<std::size_t>(giver * lanes + from)];
          auto& takes = p.of_lane[static_cast<std::size_t>(block * lanes + to)];
          const auto push = [&](auto& script, does what, int cell, order o) {
            op x;
            x.what = what, x.at = cell * 4, x.o = o, x.line = ++line;
            x.s = giver == block && draw(0, 1) ? scope::block : scope::device;
            script.push_back(x);
          };
          const int cell = draw(0, 7), flag = global_cells + flag_cells + handed++;
          push(gives, does::store, cell, order::relaxed);
          const int how = draw(0, 3);
          if (how == 0) push(gives, does::fence, 0, order::acquire_release);
          push(gives, does::write, flag, how < 2 ? order::relaxed : order::release);
          if (draw(0, 2) == 0)  // somebody else changes the flag, too
            push(p.of_lane[static_cast<std::size_t>(giver * lanes + draw(0, lanes - 1))],
                 draw(0, 1) ? does::write : does::add, flag, order::relaxed);
          push(takes, does::wait, flag, order::acquire);
          push(takes, draw(0, 1) ? does::load : does::store, cell, order::relaxed);
        }
      }
      // A lane copies by two groups, waits for one of them or both, and reads what one has brought.
      if (draw(0, 2) == 0) {
        const int lane = active[0], first = draw(0, 3) * 2;
        const auto push = [&](does what, int word, int from) {
          op x;
          x.what = what, x.in_shared = true, x.at = word * 4, x.from = from, x.line = ++line;
          p.of_lane[static_cast<std::size_t>(block * lanes + lane)].push_back(x);
        };
        for (int group = 0; group < 2; ++group)
          push(does::copy, first + group, 4 * draw(0, 7)), push(does::commit, 0, 0);
        push(does::wait_copies, 0, draw(0, 1));
        push(does::load, first + draw(0, 1), 0);
      }
      op meeting;
      meeting.line = ++line;
      const int how = draw(0, 9);
      if (how < 3) continue;
      meeting.what = how < 6 ? does::sync_block : how < 9 ? does::sync_warp : does::shuffle;
      const int warp = meeting.what == does::sync_block ? -1 : draw(0, 1);
      for (int lane = 0; lane < lanes; ++lane)
        if (warp < 0 || lane / 32 == warp) p.of_lane[static_cast<std::size_t>(block * lanes + lane)].push_back(meeting);
    }
  }
  return p;
}

// --- traces

struct event {
  int block = 0, lane = 0;
  op what;
  bool leaves = false;  // a barrier, behind it
  int meeting = 0;      // which of the barriers of its lane at this line
};
struct trace {
  std::vector<event> all;
};

struct params {
  const program* text;
  trace* to;
  gmem_ptr<unsigned> data;  // global_cells, then flags
};

struct kernel {
  static constexpr const char* name = "fuzz";
  static constexpr int threads = lanes;
  static constexpr features needs = features::copy_async;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<unsigned, shared_bytes / 4> x;
  };

  template <class T, int Bytes, class Lane, class P>
  static void access(const Lane& lane, P p, const op& x, where at) {
    if (x.what == does::load)
      lane.load(p, width<Bytes / static_cast<int>(sizeof(T))>, at);
    else
      lane.store(p, splat<Bytes / static_cast<int>(sizeof(T))>(T{1}), at);
  }
  template <class Lane, class P>
  static void atomic(const Lane& lane, P p, const op& x, where at) {
    using T = typename P::element_type;
    if (x.what == does::add) lane.atomic_add(p, T{1}, x.o, x.s, at);
    if (x.what == does::exchange) lane.atomic_exchange(p, T{1}, x.o, x.s, at);
    if (x.what == does::read) lane.atomic_load(p, x.o, x.s, at);
    if (x.what == does::write) lane.atomic_store(p, T{1}, x.o, x.s, at);
  }
  template <class T>
  static smem_ptr<T> shared_at(shared& smem, int byte) {
    return smem_ptr<T>(reinterpret_cast<T*>(reinterpret_cast<std::byte*>(smem.x.at(0).raw()) + byte));
  }
  template <class T>
  static gmem_ptr<T> global_at(const params& p, int byte) {
    return gmem_ptr<T>(reinterpret_cast<T*>(reinterpret_cast<std::byte*>(p.data.raw()) + byte));
  }

  template <class Lane>
  static void run(Lane lane, const params& p, shared& smem) {
    if (lane.rank() < shared_bytes / 4) lane.store(smem.x.at(lane.rank()), 0u);
    lane.sync_block();
    const int block = lane.block().x;
    for (const op& x : p.text->of(block, lane.rank())) {
      const where at{"fuzz.cpp", x.line};
      const auto note = [&](bool leaves) {
        if (p.text->is_active(block, lane.rank())) p.to->all.push_back({block, lane.rank(), x, leaves});
      };
      switch (x.what) {
        case does::load:
        case does::store:
          if (x.in_shared) {
            if (x.bytes == 1) access<std::uint8_t, 1>(lane, shared_at<std::uint8_t>(smem, x.at), x, at);
            if (x.bytes == 2) access<std::uint16_t, 2>(lane, shared_at<std::uint16_t>(smem, x.at), x, at);
            if (x.bytes == 4) access<unsigned, 4>(lane, shared_at<unsigned>(smem, x.at), x, at);
            if (x.bytes == 8) access<unsigned, 8>(lane, shared_at<unsigned>(smem, x.at), x, at);
            if (x.bytes == 16) access<unsigned, 16>(lane, shared_at<unsigned>(smem, x.at), x, at);
          } else {
            if (x.bytes == 4) access<unsigned, 4>(lane, global_at<unsigned>(p, x.at), x, at);
            if (x.bytes == 8) access<unsigned, 8>(lane, global_at<unsigned>(p, x.at), x, at);
          }
          note(false);
          break;
        case does::add:
        case does::exchange:
        case does::read:
        case does::write:
          if (x.in_shared && x.bytes == 4) atomic(lane, shared_at<unsigned>(smem, x.at), x, at);
          if (x.in_shared && x.bytes == 8) atomic(lane, shared_at<unsigned long long>(smem, x.at), x, at);
          if (!x.in_shared && x.bytes == 4) atomic(lane, global_at<unsigned>(p, x.at), x, at);
          if (!x.in_shared && x.bytes == 8) atomic(lane, global_at<unsigned long long>(p, x.at), x, at);
          note(false);
          break;
        case does::fence:
          lane.fence(x.o == order::relaxed ? order::acquire_release : x.o, x.s, at);
          note(false);
          break;
        case does::wait:
          lane.wait_until(
              global_at<unsigned>(p, x.at), [](unsigned v) { return v != 0; }, x.s, at);
          note(false);
          break;
        case does::copy: {
          const gmem_ptr<const unsigned> from = global_at<unsigned>(p, x.from);
          if (x.bytes == 4) atoms::copy_async<4>(lane, shared_at<unsigned>(smem, x.at), from, 4, at);
          if (x.bytes == 8) atoms::copy_async<8>(lane, shared_at<unsigned>(smem, x.at), from, 8, at);
          if (x.bytes == 16) atoms::copy_async<16>(lane, shared_at<unsigned>(smem, x.at), from, 16, at);
          note(false);
          break;
        }
        case does::commit: atoms::commit_copies(lane, at), note(false); break;
        case does::wait_copies:
          x.from == 0 ? atoms::wait_copies<0>(lane, at) : atoms::wait_copies<1>(lane, at);
          note(false);
          break;
        case does::sync_block: note(false), lane.sync_block(at), note(true); break;
        case does::sync_warp: note(false), lane.sync_warp(at), note(true); break;
        case does::shuffle: lane.shuffle_xor(1, 1, at); break;
      }
    }
  }
};

// --- the oracle

class oracle {
public:
  struct race {
    int line_a, line_b;  // in the order of the trace
    bool of_atomic;
    bool in_shared;
    int block;            // whose shared memory
    int first, last;      // bytes that both touch
    bool only_by_itself;  // no race, but the later one is an atomic that learns of the other only by its own acquire
  };

  explicit oracle(const trace& t) : t_(t.all), before_(t_.size()), before_acquiring_(t_.size()) {
    draw_edges();
    find_races();
  }
  const std::vector<race>& races() const { return races_; }
  /// Whether a release and an acquire order two lanes.
  bool hands_over() const { return hands_over_; }

private:
  using set = std::bitset<most_events>;

  /// A piece of memory that an event touches. A copy touches two, at a time of its own.
  struct access {
    std::size_t by;
    bool in_shared, writes, atomic, of_copy;
    int at, bytes;
  };

  static bool same_lane(const event& a, const event& b) { return a.block == b.block && a.lane == b.lane; }
  static bool both_reach(const event& a, const event& b) {
    return a.block == b.block || (a.what.s != scope::block && b.what.s != scope::block);
  }
  static bool overlap(const event& a, const event& b) {
    return a.what.in_shared == b.what.in_shared && (!a.what.in_shared || a.block == b.block) &&
           a.what.at < b.what.at + b.what.bytes && b.what.at < a.what.at + a.what.bytes;
  }
  static bool one_place(const event& a, const event& b) {
    return overlap(a, b) && a.what.at == b.what.at && a.what.bytes == b.what.bytes;
  }
  static bool reads(does d) { return (is_atomic(d) && d != does::write) || d == does::wait; }
  static bool writes(does d) { return is_atomic(d) && d != does::read; }
  static bool releases(order o) { return o == order::release || o == order::acquire_release; }
  static bool acquires(order o) { return o == order::acquire || o == order::acquire_release; }
  static order of_fence(const op& x) { return x.o == order::relaxed ? order::acquire_release : x.o; }

  void draw_edges() {
    std::map<std::pair<int, int>, std::size_t> last;                  // of a lane: program order
    std::map<std::pair<int, int>, std::vector<std::size_t>> waiting;  // arrivals at a barrier, by block and line
    std::map<std::pair<int, int>, std::vector<std::vector<std::size_t>>> groups;  // copies of a lane
    for (std::size_t i = 0; i < t_.size(); ++i) {
      const event& e = t_[i];
      const std::pair lane{e.block, e.lane};
      if (const auto known = last.find(lane); known != last.end()) edge(known->second, i);
      last[lane] = i;
      auto& copies = groups[lane];
      if (copies.empty()) copies.emplace_back();
      if (e.what.what == does::copy) copies.back().push_back(i);
      if (e.what.what == does::commit) copies.emplace_back();
      if (e.what.what == does::wait_copies)
        for (std::size_t g = 0; g + 1 + static_cast<std::size_t>(e.what.from) < copies.size(); ++g)
          for (const std::size_t c : copies[g]) finished_[c].push_back(i);
      if (e.what.what == does::sync_block || e.what.what == does::sync_warp) {
        auto& arrived = waiting[{e.block, e.what.line}];
        if (!e.leaves)
          arrived.push_back(i);
        else
          for (const std::size_t a : arrived) edge(a, i);
      }
      before_acquiring_[i] = before_[i];
      if (reads(e.what.what)) observe(i);
      if (e.what.what == does::fence && acquires(of_fence(e.what))) take_by_fence(i);
    }
  }
  void edge(std::size_t from, std::size_t to) {
    before_[to] |= before_[from];
    before_[to].set(from);
  }

  /// The strong writes that a strong read observes: the last one at its place, and, through read-modify-writes, those
  /// before it. Stops at a weak write, or where two are not morally strong.
  std::vector<std::size_t> observed_by(std::size_t read) const {
    std::vector<std::size_t> result;
    std::size_t at = read;
    for (std::size_t i = read; i-- > 0;) {
      const event& w = t_[i];
      const does d = w.what.what;
      if (!overlap(w, t_[at]) || !(d == does::store || d == does::copy || writes(d))) continue;
      if (!writes(d) || !one_place(w, t_[at]) || !both_reach(w, t_[at])) return result;
      result.push_back(i);
      if (d == does::write) return result;
      at = i;
    }
    return result;
  }
  /// What a write gives away, by itself or by a fence of its lane before it: events and their scopes.
  std::vector<std::size_t> release_patterns(std::size_t write) const {
    std::vector<std::size_t> result;
    if (releases(t_[write].what.o)) result.push_back(write);
    for (std::size_t i = 0; i < write; ++i)
      if (t_[i].what.what == does::fence && releases(of_fence(t_[i].what)) && same_lane(t_[i], t_[write]))
        result.push_back(i);
    return result;
  }
  void synchronise(std::size_t read, std::size_t taker) {
    for (const std::size_t w : observed_by(read))
      for (const std::size_t giver : release_patterns(w))
        if (both_reach(t_[giver], t_[taker])) {
          hands_over_ = hands_over_ || !same_lane(t_[giver], t_[taker]);
          edge(giver, taker);
        }
  }
  void observe(std::size_t read) {
    if (acquires(t_[read].what.o)) synchronise(read, read);
  }
  void take_by_fence(std::size_t fence) {
    for (std::size_t i = 0; i < fence; ++i)
      if (same_lane(t_[i], t_[fence]) && reads(t_[i].what.what)) synchronise(i, fence);
  }

  bool ordered(const access& a, const access& b, const std::vector<set>& before) const {  // a before b in the trace
    if (!a.of_copy) return before[b.by].test(a.by);
    const auto found = finished_.find(a.by);
    if (found == finished_.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(),
                       [&](std::size_t wait) { return wait == b.by || before[b.by].test(wait); });
  }

  void find_races() {
    std::vector<access> all;
    for (std::size_t i = 0; i < t_.size(); ++i) {
      const op& x = t_[i].what;
      if (x.what == does::load || x.what == does::store)
        all.push_back({i, x.in_shared, x.what == does::store, false, false, x.at, x.bytes});
      if (is_atomic(x.what) || x.what == does::wait)
        all.push_back({i, x.in_shared, writes(x.what), true, false, x.at, x.bytes});
      if (x.what == does::copy) {
        all.push_back({i, true, true, false, true, x.at, x.bytes});
        all.push_back({i, false, false, false, true, x.from, x.bytes});
      }
    }
    for (std::size_t j = 0; j < all.size(); ++j)
      for (std::size_t i = 0; i < j; ++i) {
        const access &a = all[i], &b = all[j];
        const event &ea = t_[a.by], &eb = t_[b.by];
        if (a.by == b.by || a.in_shared != b.in_shared || (a.in_shared && ea.block != eb.block)) continue;
        const int first = std::max(a.at, b.at), last = std::min(a.at + a.bytes, b.at + b.bytes);
        if (first >= last || !(a.writes || b.writes)) continue;
        if (a.atomic && b.atomic && a.bytes == b.bytes && both_reach(ea, eb)) continue;
        const bool is_ordered = ordered(a, b, before_);
        if (is_ordered && ordered(a, b, before_acquiring_)) continue;
        races_.push_back(
            {ea.what.line, eb.what.line, a.atomic || b.atomic, a.in_shared, ea.block, first, last, is_ordered});
      }
  }

  const std::vector<event>& t_;
  std::vector<set> before_;                                   // by event: those that happen before it
  std::vector<set> before_acquiring_;                         // the same without what it acquires itself
  std::map<std::size_t, std::vector<std::size_t>> finished_;  // by copy: the waits behind which it is done
  std::vector<race> races_;
  bool hands_over_ = false;
};

// --- both

/// The trace and what was told, to see what happened.
inline std::string text_of(const trace& t, const launch_report& report) {
  constexpr const char* names[] = {"load", "store", "add",    "exchange",    "read",       "write",     "fence",
                                   "wait", "copy",  "commit", "wait_copies", "sync_block", "sync_warp", "shuffle"};
  std::string text;
  for (const event& e : t.all) {
    const op& x = e.what;
    text += std::to_string(x.line) + ": block " + std::to_string(e.block) + ", lane " + std::to_string(e.lane) + ": " +
            names[static_cast<int>(x.what)] + (e.leaves ? " (over)" : "") + (x.in_shared ? " shared " : " data ") +
            std::to_string(x.at) + " + " + std::to_string(x.bytes) + ", from " + std::to_string(x.from) + ", order " +
            std::to_string(static_cast<int>(x.o)) + ", scope " + std::to_string(static_cast<int>(x.s)) + "\n";
  }
  return text + tilery_tests::text_of(report);
}

/// How many programs were right, and how many had races, some of them races of atomics.
struct tally {
  int right = 0, racy = 0, of_atomics = 0, handed_over = 0;
};

/// What is wrong with the engine's verdict on a program; empty: nothing.
inline std::string judge(const program& p, std::uint64_t seed, tally& counted) {
  std::vector<unsigned> memory(global_cells + flag_cells + hand_overs, 0);
  trace t;
  launch_report report;
  const auto data = vector(memory.data(), static_cast<int>(memory.size()));
  launch<kernel>(virtual_gpu(arch::sm_90, {.checks = checks::memory | checks::races | checks::barriers,
                                           .report = &report,
                                           .seed = seed}),
                 {p.blocks}, params{&p, &t, gmem_ptr<unsigned>(memory.data())}, {writes("data", data)});
  EXPECT_LE(t.all.size(), most_events);
  const oracle right(t);

  std::map<int, op> of_line;
  for (const auto& lane : p.of_lane)
    for (const op& x : lane) of_line[x.line] = x;
  bool by_atomics = false, told = false;
  std::set<std::pair<int, int>> pairs, grey;
  for (const oracle::race& r : right.races()) {
    (r.only_by_itself ? grey : pairs).insert(std::minmax(r.line_a, r.line_b));
    by_atomics = by_atomics || (!r.only_by_itself && r.of_atomic);
  }
  ++(pairs.empty() ? counted.right : by_atomics ? counted.of_atomics : counted.racy);
  counted.handed_over += pairs.empty() && right.hands_over();
  std::string wrong;
  for (const fault& f : report.faults) {
    const std::pair<int, int> lines = std::minmax(f.now.site.line.line, f.before.site.line.line);
    if (grey.count(lines)) continue;
    told = true;
    if (f.kind != fault_kind::race && f.kind != fault_kind::missing_wait)
      wrong += "of another kind: " + f.text() + "\n";
    else if (pairs.count(lines) == 0 && !by_atomics)
      wrong += "told, but right: " + f.text() + "\n";
  }
  if (told && pairs.empty()) wrong += "the oracle finds no race\n";
  if (!told && !pairs.empty())
    wrong += "nothing is told of the race of lines " + std::to_string(pairs.begin()->first) + " and " +
             std::to_string(pairs.begin()->second) + "\n";
  if (by_atomics)
    return wrong.empty() ? wrong : wrong + text_of(t, report);  // behind a race of a flag, who knows what is open
  // Some race is told of every byte that has one.
  for (const oracle::race& r : right.races())
    for (int byte = r.first; byte < r.last && !r.only_by_itself; ++byte) {
      const auto touches = [&](int line) {
        const op& x = of_line.at(line);
        const int at = x.what == does::copy && !r.in_shared ? x.from : x.at;
        return byte >= at && byte < at + x.bytes;
      };
      bool found = false;
      for (const fault& f : report.faults)
        found = found ||
                (f.memory == (r.in_shared ? "shared memory" : "data") && (!r.in_shared || f.now.block.x == r.block) &&
                 touches(f.now.site.line.line) && touches(f.before.site.line.line));
      if (!found)
        wrong += "missed: lines " + std::to_string(r.line_a) + " and " + std::to_string(r.line_b) + ", byte " +
                 std::to_string(byte) + (r.in_shared ? " of shared memory\n" : " of data\n");
    }
  return wrong.empty() ? wrong : wrong + text_of(t, report);
}

/// Judges random programs; each is drawn from a seed of its own, which repeats it.
inline void run_programs(int programs) {
  tally counted;
  std::mt19937_64 seeds = tilery_tests::generator();
  for (int i = 0; i < programs; ++i) {
    const std::uint64_t seed = seeds();
    tilery_tests::generator().seed(seed);
    const program p = draw_program();
    const std::string wrong = judge(p, seed % 3 == 0 ? 0 : seed, counted);
    ASSERT_EQ(wrong, "") << "program " << i << " of this run";
  }
  std::printf(
      "%d programs: %d right, %d of them with a release and an acquire; %d with races, %d with races of atomics\n",
      programs, counted.right, counted.handed_over, counted.racy, counted.of_atomics);
  EXPECT_GT(counted.right, programs / 20) << "what is drawn has become one-sided";
  EXPECT_GT(counted.handed_over, programs / 50) << "what is drawn has become one-sided";
  EXPECT_GT(counted.racy, programs / 10) << "what is drawn has become one-sided";
}

}  // namespace fuzz
