// Types: one object per type, text that reads back, and the questions about kinds.
#include <gtest/gtest.h>

#include <thread>

#include "ir/type.h"

namespace coluber::ir {
namespace {

TEST(Type, IsOneObjectPerType) {
  EXPECT_EQ(array_of(pyfloat(), 2, Layout::C), array_of(pyfloat(), 2, Layout::C));
  EXPECT_NE(array_of(pyfloat(), 2, Layout::C), array_of(pyfloat(), 2, Layout::C, true));
  EXPECT_NE(array_of(pyfloat(), 2, Layout::C), array_of(scalar(Kind::Float64), 2, Layout::C));
  EXPECT_EQ(tuple_of({pyint(), str()}), tuple_of({pyint(), str()}));
  EXPECT_NE(tuple_of({pyint()}), tuple_of({pyint(), pyint()}));
  EXPECT_NE(namedtuple_of(1, {"x"}, {pyint()}), namedtuple_of(1, {"y"}, {pyint()}));
  EXPECT_NE(namedtuple_of(1, {"x"}, {pyint()}), tuple_of({pyint()}));
}

TEST(Type, TextReadsBack) {
  TypeRef array = array_of(scalar(Kind::Complex64), 3, Layout::S, true);
  const std::vector<std::pair<TypeRef, std::string>> cases = {
      {bottom(), "bottom"},
      {array, "array(complex64,3,S,ro)"},
      {array_of(pyint(), 0, Layout::A), "array(pyint,0,A)"},
      {tuple_of({}), "tuple()"},
      {tuple_of({pyint(), list_of(array)}), "tuple(pyint,list(array(complex64,3,S,ro)))"},
      {namedtuple_of(7, {"x", "h\xc3\xb6he"}, {pyint(), none()}), "namedtuple#7(x:pyint,h\xc3\xb6he:none)"},
      {namedtuple_of(7, {}, {}), "namedtuple#7()"},
      {slice_of(none(), pyint(), none()), "slice(none,pyint,none)"},
      {optional_of(pyint()), "optional(pyint)"},
      {unbound_of(bottom()), "unbound(bottom)"},
      {iter_of(list_of(str())), "iter(list(str))"},
      {dtype_of(scalar(Kind::Int8)), "dtype(int8)"},
      {object_const(12), "obj#12"},
      {object_const(-3), "obj#-3"},
      {closure_of(4, {pyint(), array}), "closure#4(pyint,array(complex64,3,S,ro))"},
      {closure_of(4, {}), "closure#4()"},
      {method_of(list_of(pyint()), "append"), "method#append(list(pyint))"},
      {exc_of(9), "exc#9"},
      {ptr_to(ptr_to(pyfloat())), "ptr(ptr(pyfloat))"},
      {view_of("zip", {array, scalar(Kind::Range)}), "view#zip(array(complex64,3,S,ro),range)"},
  };
  for (const auto& [type, text] : cases) {
    EXPECT_EQ(type->text, text);
    EXPECT_EQ(parse_type(text), type);
  }
}

TEST(Type, ParsesWhatWasNeverMade) {
  TypeRef t = parse_type("view#enumerate(array(uint16,5,F),pyint)");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->name, "enumerate");
  ASSERT_EQ(t->items.size(), 2u);
  EXPECT_EQ(t->items[0]->ndim, 5);
  EXPECT_EQ(t->items[0]->layout, Layout::F);
  EXPECT_EQ(t->items[0]->elem, scalar(Kind::UInt16));
  TypeRef named = parse_type("namedtuple#31(a:pyint,b:float32)");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->handle, 31);
  EXPECT_EQ(named->names, (std::vector<std::string>{"a", "b"}));
}

TEST(Type, RefusesWhatIsNoCanonicalSpelling) {
  for (const char* text : {"", "int", "pyint ", " pyint", "tuple", "tuple(", "tuple(pyint,)", "array(pyfloat,1)", "array(pyfloat,1,X)",
                           "array(pyfloat,1,C,rw)", "array(pyfloat,-1,C)", "array(,1,C)", "slice(none,none)", "optional()", "optional(none)",
                           "optional(optional(pyint))", "unbound(unbound(pyint))", "obj#", "obj#x", "exc", "closure#1", "method#(pyint)",
                           "method#f()", "namedtuple#1(pyint)", "list(pyint,pyint)", "ptr(pyint)x", "array(pyfloat,01,C)"})
    EXPECT_EQ(parse_type(text), nullptr) << text;
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "list(";
  EXPECT_EQ(parse_type(deep), nullptr);
}

TEST(Type, OptionalAndUnboundDoNotStack) {
  EXPECT_EQ(optional_of(optional_of(pyint())), optional_of(pyint()));
  EXPECT_EQ(optional_of(none()), none());
  EXPECT_EQ(unbound_of(unbound_of(pyint())), unbound_of(pyint()));
}

TEST(Type, Kinds) {
  struct Row {
    Kind kind;
    bool weak, boolean, integer, is_signed, floating, complex;
    int size;
  };
  const Row rows[] = {
      {Kind::PyBool, true, true, false, false, false, false, 1},    {Kind::PyInt, true, false, true, true, false, false, 8},
      {Kind::PyFloat, true, false, false, false, true, false, 8},   {Kind::PyComplex, true, false, false, false, false, true, 16},
      {Kind::Bool, false, true, false, false, false, false, 1},     {Kind::Int8, false, false, true, true, false, false, 1},
      {Kind::Int16, false, false, true, true, false, false, 2},     {Kind::Int32, false, false, true, true, false, false, 4},
      {Kind::Int64, false, false, true, true, false, false, 8},     {Kind::UInt8, false, false, true, false, false, false, 1},
      {Kind::UInt64, false, false, true, false, false, false, 8},   {Kind::Float32, false, false, false, false, true, false, 4},
      {Kind::Float64, false, false, false, false, true, false, 8},  {Kind::Complex64, false, false, false, false, false, true, 8},
      {Kind::Complex128, false, false, false, false, false, true, 16},
  };
  for (const Row& row : rows) {
    TypeRef t = scalar(row.kind);
    EXPECT_EQ(is_weak(t), row.weak) << t->text;
    EXPECT_EQ(is_bool(t), row.boolean) << t->text;
    EXPECT_EQ(is_integer(t), row.integer) << t->text;
    EXPECT_EQ(is_signed(t), row.is_signed) << t->text;
    EXPECT_EQ(is_float(t), row.floating) << t->text;
    EXPECT_EQ(is_complex(t), row.complex) << t->text;
    EXPECT_TRUE(is_number(t)) << t->text;
    EXPECT_FALSE(is_managed(t)) << t->text;
    EXPECT_EQ(item_size(t), row.size) << t->text;
  }
  EXPECT_FALSE(is_number(str()));
  EXPECT_FALSE(is_number(none()));
  EXPECT_EQ(real_of(scalar(Kind::Complex64)), scalar(Kind::Float32));
  EXPECT_EQ(strong(pyint()), scalar(Kind::Int64));
  EXPECT_EQ(strong(scalar(Kind::Int8)), scalar(Kind::Int8));
}

TEST(Type, ManagedOnesHoldReferences) {
  TypeRef array = array_of(pyfloat(), 1, Layout::C);
  for (TypeRef t : {array, list_of(pyint()), str(), owner(), exc_of(1), tuple_of({pyint(), array}), optional_of(array), unbound_of(str()),
                    iter_of(array), closure_of(1, {array}), method_of(list_of(pyint()), "append"), view_of("zip", {pyint(), array})})
    EXPECT_TRUE(is_managed(t)) << t->text;
  for (TypeRef t : {none(), bottom(), tuple_of({}), tuple_of({pyint(), pyfloat()}), optional_of(pyint()), dtype_of(pyint()), object_const(1),
                    ptr_to(array), scalar(Kind::Range), slice_of(none(), pyint(), none()), closure_of(1, {pyint()})})
    EXPECT_FALSE(is_managed(t)) << t->text;
}

TEST(Type, SizesOfItemsInMemory) {
  EXPECT_EQ(item_size(tuple_of({pyint(), scalar(Kind::Int8), pycomplex()})), 32);
  EXPECT_EQ(item_size(array_of(pyfloat(), 2, Layout::C)), 32);
  EXPECT_EQ(item_size(array_of(pyfloat(), 2, Layout::S)), 40);
  EXPECT_EQ(item_size(array_of(pyfloat(), 2, Layout::A)), 48);
  EXPECT_EQ(item_size(array_of(pyfloat(), 0, Layout::S)), 16);
  EXPECT_EQ(item_size(optional_of(pyint())), 16);
  EXPECT_EQ(item_size(str()), 24);
  EXPECT_EQ(item_size(none()), 0);
}

TEST(Type, ThreadsAgree) {
  constexpr int kThreads = 8, kTypes = 300;
  std::vector<std::vector<TypeRef>> seen(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&seen, t] {
      for (int i = 0; i < kTypes; ++i) seen[t].push_back(tuple_of({exc_of(1000 + i), array_of(pyint(), i % 7, Layout::A)}));
    });
  for (std::thread& t : threads) t.join();
  for (int t = 1; t < kThreads; ++t) EXPECT_EQ(seen[0], seen[t]);
}

}  // namespace
}  // namespace coluber::ir
