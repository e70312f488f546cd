// Guards, by running: with and without the pass a function must return the same, raise the same, and leave the same in memory. How many checks
// ran says whether it was worth it.
#include <cstdlib>
#include <random>

#include "compare.h"
#include "ir/builder.h"

namespace coluber::ir::test {
namespace {

constexpr const char* kPasses = kGuards;
constexpr const char* kAll = "cleanup,guards,cleanup,refcount";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
  return text;
}

// for i in range(START, STOP): s += a[INDEX]
std::string sum(const std::string& start, const std::string& stop, const std::string& index) {
  return R"(func @f(%0: array(int64,1,C), %1: pyint) -> int64 exported {
^0:
  %2 = const 0 : int64
  %90 = array.shape %0, 0 : pyint
  %91 = const 1 : pyint
  %92 = const 2 : pyint
)" + start + stop + R"(  jump ^1(%3, %2)
^1(%5: pyint, %6: int64) loop:
  %7 = lt %5, %4 : pybool
  br %7, ^2, ^3
^2:
  %8 = array.shape %0, 0 : pyint
)" + index + R"(  %10 = index_check %9, %8, 0 : pyint
  %11 = array.load %0, %10 : int64
  %12 = add %6, %11 : int64
  %13 = add %5, %91, 1 : pyint
  jump ^1(%13, %12)
^3:
  return %6
})";
}

const std::vector<std::vector<Arg>> kSums = {{arr({8}, 0), num(8)}, {arr({8}, 0), num(5)}, {arr({0}, 0), num(0)}, {arr({3}, 4), num(-2)},
                                             {arr({1}, 4), num(1)}, {arr({5}, 4), num(INT64_MIN)}};

TEST(Guards, CountingOverAnArrayNeedsNoChecks) {
  std::string zero = "  %3 = const 0 : pyint\n", one = "  %3 = const 1 : pyint\n", plain = "  %9 = add %5, %89 : pyint\n";
  std::string all = "  %4 = add %90, %89 : pyint\n";
  std::string nothing = "  %89 = const 0 : pyint\n";
  EXPECT_EQ(compare(sum(zero + nothing, all, plain), kSums), 0u);
  EXPECT_EQ(compare(sum(one + nothing, "  %4 = sub %90, %91 : pyint\n", "  %9 = sub %5, %91 : pyint\n"), kSums), 0u);
  EXPECT_EQ(compare(sum(one + nothing, "  %4 = sub %90, %91 : pyint\n", "  %9 = add %5, %91 : pyint\n"), kSums), 0u);
  // a[len(a) - 1 - i]
  EXPECT_EQ(compare(sum(zero + nothing, all, "  %88 = sub %90, %91 : pyint\n  %9 = sub %88, %5 : pyint\n"), {kSums[0], kSums[2]}), 0u);
  // a[i - 1], which begins at the end
  std::string wrap = sum(zero + nothing, all, "  %9 = sub %5, %91 : pyint\n");
  EXPECT_EQ(compare(wrap, kSums), 0u);
}

TEST(Guards, OtherBoundsAreTestedOnce) {
  std::string zero = "  %3 = const 0 : pyint\n", to_n = "  %89 = const 0 : pyint\n  %4 = add %1, %89 : pyint\n";
  std::string plain = "  %88 = const 0 : pyint\n  %9 = add %5, %88 : pyint\n";
  std::string text = sum(zero, to_n, plain);
  EXPECT_EQ(compare(text, kSums), 0u);
  // Beyond the end: as many good turns as before, then the error with the index that was asked for.
  EXPECT_EQ(compare(text, {{arr({3}, 0), num(5)}}), 1u);
  EXPECT_EQ(compare(text, {{arr({3}, 0), num(INT64_MAX)}}), 1u);
  for (const char* index : {"  %88 = const 5 : pyint\n  %9 = add %5, %88 : pyint\n", "  %9 = mul %5, %92 : pyint\n", "  %9 = mul %5, %5 : pyint\n",
                            "  %9 = mul %5, %1 : pyint\n", "  %9 = sub %5, %1 : pyint\n", "  %88 = const -3 : pyint\n  %9 = mul %5, %88 : pyint\n"})
    for (int64_t n : {0, 1, 2, 3, 4, 8, 9, 100})
      for (int64_t size : {0, 1, 4, 9, 100}) compare(sum(zero, to_n, index), {{arr({size}, 0), num(n)}});
  for (int64_t start : {INT64_MIN, INT64_MAX - 3, int64_t{-3}, int64_t{1} << 61})
    for (int64_t n : {INT64_MIN, INT64_MIN + 2, INT64_MAX, int64_t{3}})
      compare(sum("  %3 = const " + std::to_string(start) + " : pyint\n", to_n, "  %9 = mul %5, %92 : pyint\n"), {{arr({9}, 0), num(n)}});
}

TEST(Guards, StoresBeforeTheErrorStay) {
  std::string text = R"(func @f(%0: array(int64,1,C), %1: array(int64,1,C), %2: pyint) -> pyint exported {
^0 !err ^4:
  %3 = const 0 : pyint
  %4 = const 1 : pyint
  jump ^1(%3)
^1(%5: pyint) loop:
  %6 = lt %5, %2 : pybool
  br %6, ^2, ^3
^2 !err ^4:
  %7 = array.shape %0, 0 : pyint
  %8 = index_check %5, %7, 0 : pyint
  %9 = array.load %0, %8 : int64
  %10 = array.shape %1, 0 : pyint
  %11 = index_check %5, %10, 0 : pyint
  array.store %1, %9, %11
  %12 = add %5, %4, 1 : pyint
  jump ^1(%12)
^3:
  return %5
^4:
  %13 = exc.catch : exc#1
  %14 = const -7 : pyint
  return %14
})";
  EXPECT_EQ(compare(text, {{arr({9}, 0), arr({9}, 20), num(9)}, {arr({9}, 0), arr({9}, 3), num(4)}}), 0u);
  EXPECT_EQ(compare(text, {{arr({9}, 0), arr({5}, 20), num(9)}}), 12u);
  compare(text, {{arr({9}, 0), arr({5}, 2), num(7)}, {arr({2}, 0), arr({5}, 2), num(3)}, {arr({0}, 0), arr({0}, 2), num(0)}}, kAll);
}

// cur and nxt change places in an outer loop; neighbours by %.
std::string heat_mod() {
  return R"(func @f(%0: array(int64,2,C), %1: array(int64,2,C), %2: pyint, %3: pyint, %4: pyint) -> int64 exported {
^0:
  %5 = const 0 : pyint
  %6 = const 1 : pyint
  jump ^1(%5, %0, %1)
^1(%7: pyint, %8: array(int64,2,C), %9: array(int64,2,C)) loop:
  %10 = lt %7, %4 : pybool
  br %10, ^2(%5), ^7
^2(%11: pyint) loop:
  %12 = lt %11, %2 : pybool
  br %12, ^3(%5), ^6
^3(%13: pyint) loop:
  %14 = lt %13, %3 : pybool
  br %14, ^4, ^5
^4:
  %15 = add %11, %6 : pyint
  %16 = ne %2, %5 : pybool
  guard %16, "ZeroDivMod"
  %17 = mod %15, %2 : pyint
  %18 = sub %13, %6 : pyint
  %19 = ne %3, %5 : pybool
  guard %19, "ZeroDivMod"
  %20 = mod %18, %3 : pyint
  %21 = array.shape %8, 0 : pyint
  %22 = array.shape %8, 1 : pyint
  %23 = index_check %17, %21, 0 : pyint
  %24 = index_check %20, %22, 1 : pyint
  %25 = array.load %8, %23, %24 : int64
  %26 = array.shape %9, 0 : pyint
  %27 = array.shape %9, 1 : pyint
  %28 = index_check %11, %26, 0 : pyint
  %29 = index_check %13, %27, 1 : pyint
  array.store %9, %25, %28, %29
  %30 = add %13, %6, 1 : pyint
  jump ^3(%30)
^5:
  %31 = add %11, %6, 1 : pyint
  jump ^2(%31)
^6:
  %32 = add %7, %6, 1 : pyint
  jump ^1(%32, %9, %8)
^7:
  %33 = array.shape %8, 0 : pyint
  %34 = index_check %5, %33, 0 : pyint
  %35 = array.shape %8, 1 : pyint
  %36 = index_check %5, %35, 1 : pyint
  %37 = array.load %8, %34, %36 : int64
  return %37
})";
}

TEST(Guards, HeatByRemainders) {
  auto input = [](int64_t n, int64_t m, int64_t rows, int64_t columns, int64_t steps) {
    return std::vector<Arg>{arr({n, m}, 0), arr({n, m}, 100), num(rows), num(columns), num(steps)};
  };
  EXPECT_EQ(compare(heat_mod(), {input(4, 5, 4, 5, 3)}), 2u);        // the two behind the loops
  compare(heat_mod(), {input(4, 5, 3, 5, 3), input(4, 5, 5, 5, 3), input(4, 5, 4, 6, 2), input(1, 1, 1, 1, 2), input(4, 5, 0, 0, 3), input(0, 0, 0, 0, 1),
                       input(0, 0, 1, 1, 1)}, kAll);
  EXPECT_EQ(count_of(after(kPasses, heat_mod()), " mod "), 0) << after(kPasses, heat_mod());
}

TEST(Guards, SeriesOfReciprocalSquares) {
  // for k in range(1, n + 1): s += 1 / k**2, where k**2 is 0 for k = 2**32
  std::string text = R"(func @f(%0: pyint) -> pyfloat exported {
^0:
  %1 = const 1 : pyint
  %2 = const 0.0 : pyfloat
  %3 = add %0, %1 : pyint
  %4 = const 1.0 : pyfloat
  jump ^1(%1, %2)
^1(%5: pyint, %6: pyfloat) loop:
  %7 = lt %5, %3 : pybool
  br %7, ^2, ^3
^2:
  %8 = mul %5, %5 : pyint
  %9 = cast %8 : pyfloat
  %10 = ne %9, %2 : pybool
  guard %10, "ZeroDiv"
  %11 = fdiv %4, %9 : pyfloat
  %12 = add %6, %11 : pyfloat
  %13 = add %5, %1, 1 : pyint
  jump ^1(%13, %12)
^3:
  return %6
})";
  EXPECT_EQ(compare(text, {{num(10)}, {num(0)}, {num(-5)}, {num(INT64_MAX)}}), 0u);
  std::string high = replaced(text, "jump ^1(%1, %2)", "%20 = const 4294967290 : pyint\n  jump ^1(%20, %2)");
  EXPECT_GT(compare(high, {{num(4294967300)}}), 0u);
  // 2k + 1 is odd, whatever wraps.
  std::string odd = replaced(text, "%8 = mul %5, %5 : pyint", "%15 = const 2 : pyint\n  %16 = mul %5, %15 : pyint\n  %8 = add %16, %1 : pyint");
  EXPECT_EQ(count_of(after(kPasses, odd), "guard"), 0);
}

// A reduction with a guard on data, and a division that must not trap.
std::string reduction(bool with_break) {
  std::string text = R"(func @f(%0: array(int64,1,C)) -> int64 exported {
^0:
  %1 = const 0 : pyint
  %2 = const 1 : pyint
  %3 = const 0 : int64
  %4 = array.shape %0, 0 : pyint
  %5 = const 100 : int64
  jump ^1(%1, %3)
^1(%6: pyint, %7: int64) loop:
  %8 = lt %6, %4 : pybool
  br %8, ^2, ^3
^2:
  %9 = index_check %6, %4, 0 : pyint
  %10 = array.load %0, %9 : int64
  %11 = ne %10, %3 : pybool
  guard %11, %6, "ZeroDivInt"
  %12 = floordiv %5, %10 : int64
  %13 = add %7, %12 : int64
  %14 = add %6, %2, 1 : pyint
BREAK
^3:
  return %7
^4:
  %20 = add %7, %10 : int64
  return %20
})";
  return replaced(text, "BREAK", with_break ? "  %16 = const 15 : int64\n  %15 = gt %10, %16 : pybool\n  br %15, ^4, ^1(%14, %13)" : "  jump ^1(%14, %13)");
}

TEST(Guards, DataIsCheckedBehindTheLoop) {
  std::string plain = replaced(reduction(false), "^4:\n  %20 = add %7, %10 : int64\n  return %20\n", "");
  EXPECT_EQ(compare(plain, {{arr({6}, 4)}, {arr({0}, 0)}}), 0u);
  for (bool with_break : {false, true})
    for (int64_t at = 0; at < 40; ++at)
      for (int64_t n : {1, 3, 12}) compare(with_break ? reduction(true) : plain, {{arr({n}, at)}}, kAll);
  EXPECT_EQ(compare(reduction(true), {{arr({3}, 4)}}), 0u);
}

TEST(Guards, SquaresAreNotNegative) {
  std::string text = R"(func @f(%0: float64, %1: float64) -> float64 exported {
^0:
  %2 = const 0.0 : float64
  %3 = mul %0, %0 : float64
  %4 = math %1, "fabs" : float64
  %5 = add %3, %4 : float64
  %6 = lt %5, %2 : pybool
  %7 = not %6 : pybool
  guard %7, "MathDomain"
  %8 = ge %5, %2 : pybool
  guard %8, "MathRange"
  %9 = math %5, "sqrt" : float64
  return %9
})";
  std::string out = after(kPasses, text);
  EXPECT_EQ(count_of(out, "MathDomain"), 0);
  EXPECT_EQ(count_of(out, "MathRange"), 1) << "nan is not at least 0";
}

TEST(Guards, ReadsBehindGuardsAreNotSpeculated) {
  // The guard is what keeps the load inside: it must not be put off.
  std::string text = R"(func @f(%0: array(int64,1,C), %1: pyint) -> int64 exported {
^0:
  %2 = const 0 : pyint
  %3 = const 1 : pyint
  %4 = const 0 : int64
  jump ^1(%2, %4)
^1(%5: pyint, %6: int64) loop:
  %7 = lt %5, %1 : pybool
  br %7, ^2, ^3
^2:
  %8 = mul %5, %5 : pyint
  %9 = xor %8, %3 : pyint
  %10 = array.shape %0, 0 : pyint
  %11 = lt %9, %10 : pybool
  guard %11, "IndexList"
  %15 = ge %9, %2 : pybool
  guard %15, "IndexList"
  %12 = array.load %0, %9 : int64
  %13 = add %6, %12 : int64
  %14 = add %5, %3, 1 : pyint
  jump ^1(%14, %13)
^3:
  return %6
})";
  compare(text, {{arr({20}, 0), num(3)}, {arr({20}, 0), num(9)}, {arr({0}, 0), num(1)}, {arr({4}, 500), num(100)}});
}

TEST(Guards, Lists) {
  // out = [x * 2 for x in xs] by append, then out[i] over range(len(xs))
  std::string text = R"(func @f(%0: pyint) -> pyint exported {
^0:
  %1 = const 0 : pyint
  %2 = const 1 : pyint
  %3 = list.new %0 : list(pyint)
  jump ^1(%1)
^1(%4: pyint) loop:
  %5 = lt %4, %0 : pybool
  br %5, ^2, ^3
^2:
  list.push %3, %4
  %6 = list.len %3 : pyint
  %7 = sub %6, %2 : pyint
  %8 = index_check %7, %6, -1 : pyint
  %9 = list.load %3, %8 : pyint
  %10 = add %4, %2, 1 : pyint
  jump ^1(%10)
^3:
  %11 = list.len %3 : pyint
  jump ^4(%1, %1)
^4(%12: pyint, %13: pyint) loop:
  %14 = lt %12, %11 : pybool
  br %14, ^5, ^6
^5:
  %15 = list.len %3 : pyint
  %16 = index_check %12, %15, -1 : pyint
  %17 = list.load %3, %16 : pyint
  %18 = add %13, %17 : pyint
  %19 = add %12, %2, 1 : pyint
  jump ^4(%19, %18)
^6:
  return %13
})";
  EXPECT_EQ(compare(text, {{num(0)}}), 0u);
  EXPECT_LE(compare(text, {{num(10)}}), 10u);
}

// ---- random programs ------------------------------------------------------------------------------------------------------------------------

// Nests of loops over two arrays and two numbers: up, down and while; indices made of the counters; branches, breaks, stores, divisions.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::string make() {
    Program p;
    p.functions.push_back(std::make_unique<Function>());
    Function& f = *p.functions[0];
    f.name = "f";
    f.typed = f.exported = true;
    f.result = pyint();
    Builder b(&f);
    b_ = &b;
    b.set_block(f.add_block());
    arrays_ = {b.param(array_of(pyint(), 1, Layout::C)), b.param(array_of(pyint(), 1, Layout::C)), b.param(array_of(pyint(), 2, Layout::C))};
    numbers_ = {b.param(pyint()), b.param(pyint())};
    for (ValueId a : {arrays_[0], arrays_[2]}) numbers_.push_back(b.emit(OpCode::ArrayShape, {a}, pyint()));
    handler_ = pick(3) == 0;
    ValueId total = b.const_int(0);
    total = statements(total, 0);
    b.ret(total);
    if (handler_) finish_handler(f);
    return print(p);
  }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  ValueId any(const std::vector<ValueId>& list) { return list[static_cast<size_t>(pick(static_cast<int>(list.size())))]; }

  BlockId block() {
    BlockId made = b_->function().add_block();
    if (handler_) raising_.push_back(made);
    return made;
  }

  void finish_handler(Function& f) {
    b_->set_block(f.add_block());
    BlockId h = b_->block();
    b_->emit(OpCode::ExcCatch, {}, exc_of(1));
    b_->ret(b_->const_int(-1));
    for (BlockId r : raising_) f.blocks[r].on_error.block = h;
  }

  ValueId expression() {
    ValueId x = numbers_.empty() || pick(8) == 0 ? b_->const_int(pick(5) - 2) : any(counters_.empty() || pick(3) == 0 ? numbers_ : counters_);
    int steps = pick(3);
    for (int k = 0; k < steps; ++k) {
      ValueId y = pick(2) ? b_->const_int(pick(6) - 2) : any(counters_.empty() || pick(2) ? numbers_ : counters_);
      switch (pick(6)) {
        case 0: case 1: x = b_->emit(OpCode::Add, {x, y}, pyint()); break;
        case 2: case 3: x = b_->emit(OpCode::Sub, {x, y}, pyint()); break;
        case 4: x = b_->emit(OpCode::Mul, {x, y}, pyint()); break;
        default: {
          ValueId m = any(numbers_);
          guard_nonzero(m);
          x = b_->emit(pick(2) ? OpCode::Mod : OpCode::FloorDiv, {x, m}, pyint());
        }
      }
    }
    return x;
  }

  void guard_nonzero(ValueId m) {
    ValueId ok = b_->emit(OpCode::Ne, {m, b_->const_int(0)}, pybool());
    b_->op(OpCode::Guard, {ok}).sym = "ZeroDivMod";
  }

  ValueId element(bool store, ValueId value) {
    int which = pick(3);
    ValueId a = arrays_[static_cast<size_t>(which)];
    std::vector<ValueId> args{a};
    if (store) args.push_back(value);
    for (int axis = 0; axis < (which == 2 ? 2 : 1); ++axis) {
      ValueId n = b_->emit(OpCode::ArrayShape, {a}, pyint(), axis);
      args.push_back(b_->emit(OpCode::IndexCheck, {pick(2) && !counters_.empty() ? counters_.back() : expression(), n}, pyint(), axis));
    }
    if (store) {
      b_->op(OpCode::ArrayStore, args);
      return value;
    }
    return b_->emit(OpCode::ArrayLoad, args, pyint());
  }

  ValueId statements(ValueId total, int depth) {
    int n = 1 + pick(3);
    for (int k = 0; k < n; ++k) {
      switch (pick(depth < 3 ? 8 : 5)) {
        case 0: case 1: total = b_->emit(OpCode::Add, {total, element(false, 0)}, pyint()); break;
        case 2: element(true, total); break;
        case 3: {
          ValueId x = element(false, 0);
          if (pick(3) == 0) guard_nonzero(x);
          total = b_->emit(OpCode::Xor, {total, x}, pyint());
          break;
        }
        case 4: total = condition(total, depth); break;
        default: total = loop(total, depth); break;
      }
    }
    return total;
  }

  ValueId condition(ValueId total, int depth) {
    BlockId yes = block(), join = block();
    ValueId c = b_->emit(std::array{OpCode::Lt, OpCode::Ge, OpCode::Ne}[static_cast<size_t>(pick(3))], {expression(), expression()}, pybool());
    b_->br(c, Edge{yes, {}}, Edge{join, {total}});
    b_->set_block(yes);
    ValueId inner = depth < 3 && pick(2) ? statements(total, depth + 1) : b_->emit(OpCode::Add, {total, element(false, 0)}, pyint());
    b_->jump(join, {inner});
    b_->set_block(join);
    return b_->param(pyint());
  }

  ValueId loop(ValueId total, int depth) {
    bool down = pick(4) == 0, loose = pick(4) == 0;        // loose: the counter moves without saying that it cannot wrap
    BlockId head = block(), body = block(), out = block();
    ValueId start = pick(2) ? b_->const_int(pick(3)) : expression(), stop = pick(3) ? any(numbers_) : expression();
    if (down) std::swap(start, stop);
    b_->jump(head, {start, total});
    b_->function().blocks[head].loop_header = true;
    b_->set_block(head);
    ValueId i = b_->param(pyint()), sum = b_->param(pyint());
    b_->br(b_->emit(down ? OpCode::Gt : OpCode::Lt, {i, stop}, pybool()), body, out);
    b_->set_block(body);
    counters_.push_back(i);
    ValueId inner = statements(sum, depth + 1);
    if (pick(5) == 0) {
      BlockId on = block();
      b_->br(b_->emit(OpCode::Gt, {inner, expression()}, pybool()), Edge{on, {}}, Edge{out, {}});
      b_->set_block(on);
    }
    int64_t step = loose && pick(2) ? 2 : 1;
    ValueId next = b_->emit(down ? OpCode::Sub : OpCode::Add, {i, b_->const_int(step)}, pyint(), loose ? 0 : 1);
    b_->jump(head, {next, inner});
    counters_.pop_back();
    b_->set_block(out);
    return pick(3) ? sum : b_->emit(OpCode::Add, {sum, i}, pyint());
  }

  std::mt19937 random_;
  Builder* b_ = nullptr;
  std::vector<ValueId> arrays_, numbers_, counters_;
  std::vector<BlockId> raising_;
  bool handler_ = false;
};

TEST(Guards, RandomPrograms) {
  uint64_t had = 0, left = 0;
  int versions = 0;
  const char* set = std::getenv("COLUBER_FUZZ_ROUNDS");
  unsigned rounds = set ? static_cast<unsigned>(std::atoi(set)) : 1500;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    std::string text = Maker(seed).make();
    std::vector<std::vector<Arg>> inputs;
    for (auto [n, m] : {std::pair<int64_t, int64_t>{3, 4}, {0, 2}, {5, 5}, {-1, 1}, {4, 7}})
      for (int64_t size : {4, 6}) inputs.push_back({arr({size}, 0), arr({5}, 3), arr({size, 4}, 20), num(n), num(m)});
    left += compare(text, inputs, seed % 2 ? kPasses : "guards", &had);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
    versions += count_of(after(kPasses, text), "likely");
  }
  // The programs must be such that the pass has something to do.
  EXPECT_GT(versions, static_cast<int>(rounds / 5));
  RecordProperty("checks_before", static_cast<int>(had));
  RecordProperty("checks_after", static_cast<int>(left));
  EXPECT_LT(left, had - had / 10) << left << " of " << had;
}

}  // namespace
}  // namespace coluber::ir::test
