// Type rules of the verifier (T1 to T4 of verify.cc). Each op's rule is one line of `rule`; it gives the reason when the op breaks it.
#include "ir/verify.h"

namespace coluber::ir {
namespace {

int strides_of(TypeRef t) {
  return t->layout == Layout::A ? t->ndim : t->layout == Layout::S && t->ndim > 0 ? t->ndim - 1 : 0;
}

class Types {
 public:
  Types(const Function& f, const Program* program) : f_(f), program_(program) {}

  std::string run() {
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      const Block& block = f_.blocks[b];
      std::string why = typed_values(block.params);
      if (why.empty() && block.on_error.valid()) why = edge(block.on_error);
      if (!why.empty()) return verify_message(f_, b, nullptr, why);
      for (const Op& op : block.ops) {
        why = check(op);
        if (!why.empty()) return verify_message(f_, b, &op, why);
      }
    }
    return {};
  }

 private:
  std::string check(const Op& op) {
    bool untyped_op = op.code < OpCode::Const;
    bool any = op.code == OpCode::Jump || op.code == OpCode::Branch || op.code == OpCode::Return || op.code == OpCode::Unreachable || op.code == OpCode::Left;
    if (f_.typed && untyped_op) return "an untyped op in a typed function";
    if (!f_.typed) return untyped_op || any ? std::string() : "a typed op in an untyped function";
    std::string why = typed_values(op.results);
    for (const Edge& e : op.targets)
      if (why.empty()) why = edge(e);
    if (why.empty()) why = rule(op);
    return why;
  }

  std::string typed_values(const std::vector<ValueId>& list) {
    for (ValueId v : list)
      if (f_.typed && !type(v)) return "%" + std::to_string(v) + " has no type";
    return {};
  }

  std::string edge(const Edge& e) {
    const std::vector<ValueId>& params = f_.blocks[e.block].params;
    for (size_t i = 0; i < params.size(); ++i)
      if (f_.typed && type(e.args[i]) != type(params[i]))
        return "the edge to ^" + std::to_string(e.block) + " brings " + type(e.args[i])->text + " for %" + std::to_string(params[i]) + ": " +
               type(params[i])->text;
    return {};
  }

  static std::string need(bool ok, const char* why) { return ok ? std::string() : std::string(why); }

  // Scalars, aggregates, control.
  std::string rule(const Op& op) {
    switch (op.code) {
      case OpCode::Const: return need(is_number(result(op)), "a constant is a number or bool");
      case OpCode::StrConst: return need(result(op)->is(Kind::Str), "the result is str");
      case OpCode::Import: case OpCode::FuncAddr: case OpCode::StackAlloc: case OpCode::OwnerData: case OpCode::ArrayData:
      case OpCode::ListData:
        return need(result(op)->is(Kind::Ptr), "the result is a ptr");
      case OpCode::ObjImport: return need(result(op)->is(Kind::Object), "the result is an object");
      case OpCode::ObjOp: return object_op(op);
      case OpCode::ObjTake: return need(arg(op, 0)->is(Kind::Object) && result(op)->is(Kind::Object), "object -> object");
      case OpCode::Box: return need(result(op)->is(Kind::Object), "the result is an object");
      case OpCode::Bound: return need(result(op)->is(Kind::Array), "the result is an array");
      case OpCode::Add: case OpCode::Sub: case OpCode::Mul: case OpCode::Neg: case OpCode::FDiv: case OpCode::FloorDiv: case OpCode::Mod:
      case OpCode::TruncDiv: case OpCode::TruncRem: case OpCode::AddOvf: case OpCode::SubOvf: case OpCode::MulOvf:
        return need(same_operands(op) && is_number(arg(op, 0)) && result(op) == arg(op, 0), "operands and result are numbers of one type");
      case OpCode::And: case OpCode::Or: case OpCode::Xor: case OpCode::Not: case OpCode::Shl: case OpCode::Shr:
        return need(same_operands(op) && (is_integer(arg(op, 0)) || is_bool(arg(op, 0))) && result(op) == arg(op, 0),
                    "operands and result are integers or bools of one type");
      case OpCode::Eq: case OpCode::Ne: case OpCode::Lt: case OpCode::Le: case OpCode::Gt: case OpCode::Ge:
        return need(same_operands(op) && is_bool(result(op)), "a comparison takes operands of one type and gives a bool");
      case OpCode::Select:
        return need(is_bool(arg(op, 0)) && arg(op, 1) == arg(op, 2) && result(op) == arg(op, 1), "select takes a bool and two of one type");
      case OpCode::Cast: return need(is_number(arg(op, 0)) && is_number(result(op)), "a cast is between numbers");
      case OpCode::Bitcast: return need(item_size(arg(op, 0)) == item_size(result(op)), "a bitcast keeps the size");
      case OpCode::ComplexMake:
        return need(is_complex(result(op)) && same_operands(op) && arg(op, 0) == real_of(result(op)), "two floats of the complex type");
      case OpCode::ComplexReal: case OpCode::ComplexImag:
        return need(is_complex(arg(op, 0)) && result(op) == real_of(arg(op, 0)), "the float type of a complex operand");
      case OpCode::Likely: return need(is_bool(arg(op, 0)) && result(op) == arg(op, 0), "a bool");
      case OpCode::Branch: case OpCode::Guard: return need(!op.args.empty() && is_bool(arg(op, 0)), "the condition is a bool");
      case OpCode::Return: return need(!f_.result || arg(op, 0) == f_.result, "the value is not of the function's result type");
      case OpCode::TupleMake: return tuple_make(op);
      case OpCode::TupleGet: return tuple_get(op);
      case OpCode::Some:
        return need(wraps(result(op)) && result(op)->elem == arg(op, 0), "the result is optional or unbound of the operand's type");
      case OpCode::Absent: return need(wraps(result(op)), "the result is an optional or unbound");
      case OpCode::Present: return need(wraps(arg(op, 0)) && is_bool(result(op)), "a bool of an optional or unbound");
      case OpCode::Payload: return need(wraps(arg(op, 0)) && arg(op, 0)->elem == result(op), "the payload of an optional or unbound");
      case OpCode::Reduce:
        if (arg(op, 0)->is(Kind::Array))
          return need(!op.names.empty() && op.names.size() <= 2 && arg(op, 0)->elem == arg(op, 2) && arg(op, 0) == result(op), "(array, x, item) -> array, with a function of two");
        return need(op.names.size() == 1 && arg(op, 0) == arg(op, 2) && arg(op, 0) == result(op), "(accumulator, x, accumulator) -> accumulator, with a function of two");
      case OpCode::Fold:
        return need(pointer(op, 0) && pointer(op, 1) && arg(op, 3)->is(Kind::Array) && arg(op, 3)->elem == result(op) && arg(op, 2) == result(op), "(ptr, ptr, item, array) -> item");
      case OpCode::RaceCheck: return need(pointer(op, 0) && integer(op, 1), "(ptr, pyint)");
      case OpCode::Call: return call(op);
      case OpCode::Retain: case OpCode::Release: return need(is_managed(arg(op, 0)), "the operand is not counted");
      default: return memory_rule(op);
    }
  }

  // Pointers, arrays, lists, exceptions.
  std::string memory_rule(const Op& op) {
    switch (op.code) {
      case OpCode::PtrAdd: return need(pointer(op, 0) && integer(op, 1) && result(op)->is(Kind::Ptr), "(ptr, pyint) -> ptr");
      case OpCode::PtrCast: return need(pointer(op, 0) && result(op)->is(Kind::Ptr), "ptr -> ptr");
      case OpCode::PtrToInt: return need((pointer(op, 0) || list(op)) && is_integer(result(op)), "ptr or list -> integer");
      case OpCode::RefCast: return need(ref_cast(arg(op, 0), result(op)), "a list to or from an empty one, or an exception");
      case OpCode::Load: return need(pointer(op, 0) && arg(op, 0)->elem == result(op), "the result is what the ptr points to");
      case OpCode::Store: return need(pointer(op, 0) && arg(op, 0)->elem == arg(op, 1), "the value is what the ptr points to");
      case OpCode::MemCopy: return need(pointer(op, 0) && pointer(op, 1) && integer(op, 2), "(ptr, ptr, pyint)");
      case OpCode::MemZero: return need(pointer(op, 0) && integer(op, 1), "(ptr, pyint)");
      case OpCode::Alloc: return need(integer(op, 0) && result(op)->is(Kind::Owner), "(pyint) -> owner");
      case OpCode::ArrayMake: return array_make(op);
      case OpCode::ArrayOwner: return need(array(op) && result(op)->is(Kind::Owner), "(array) -> owner");
      case OpCode::ArrayShape: case OpCode::ArrayStride:
        return need(array(op) && op.imm >= 0 && op.imm < arg(op, 0)->ndim && result(op)->is(Kind::PyInt), "(array) axis -> pyint");
      case OpCode::ArrayLoad:
        return need(array(op) && indices(op, 1) && result(op) == arg(op, 0)->elem, "(array, pyint per axis) -> its item type");
      case OpCode::ArrayStore:
        return need(array(op) && op.args.size() > 1 && indices(op, 2) && arg(op, 1) == arg(op, 0)->elem, "(array, item, pyint per axis)");
      case OpCode::ArrayAtomic:
        return need(array(op) && op.args.size() > 1 && indices(op, 2) && arg(op, 1) == arg(op, 0)->elem && result(op) == arg(op, 1),
                    "(array, item, pyint per axis) -> item");
      case OpCode::ArrayCas:
        return need(array(op) && op.args.size() > 2 && indices(op, 3) && arg(op, 1) == arg(op, 0)->elem && arg(op, 2) == arg(op, 1) &&
                        result(op) == arg(op, 1),
                    "(array, item, item, pyint per axis) -> item");
      case OpCode::ArrayAs:
        return need(array(op) && result(op)->is(Kind::Array) && result(op)->elem == arg(op, 0)->elem && result(op)->ndim == arg(op, 0)->ndim,
                    "an array of the same item type and rank");
      case OpCode::ArrayRoll:
        return need(array(op) && integer(op, 1) && op.imm >= -1 && op.imm < arg(op, 0)->ndim && result(op)->is(Kind::Array) &&
                        result(op)->elem == arg(op, 0)->elem && result(op)->ndim == arg(op, 0)->ndim,
                    "(array, pyint) axis -> an array of the same item type and rank");
      case OpCode::IndexCheck: return need(integer(op, 0) && integer(op, 1) && result(op)->is(Kind::PyInt), "(pyint, pyint) -> pyint");
      case OpCode::ListNew: return need(integer(op, 0) && result(op)->is(Kind::List), "(pyint) -> list");
      case OpCode::ListLen: return need(list(op) && result(op)->is(Kind::PyInt), "(list) -> pyint");
      case OpCode::ListSetLen: case OpCode::ListReserve: return need(list(op) && integer(op, 1), "(list, pyint)");
      case OpCode::ListPush: return need(list(op) && arg(op, 1) == arg(op, 0)->elem, "(list, item)");
      case OpCode::ListLoad: return need(list(op) && integer(op, 1) && result(op) == arg(op, 0)->elem, "(list, pyint) -> item");
      case OpCode::ListStore: return need(list(op) && integer(op, 1) && arg(op, 2) == arg(op, 0)->elem, "(list, pyint, item)");
      case OpCode::RaiseExc: case OpCode::ExcMatch: return need(arg(op, 0)->is(Kind::Exc), "the operand is an exception");
      case OpCode::ExcCatch: case OpCode::ExcNew: return need(result(op)->is(Kind::Exc), "the result is an exception");
      default: return {};
    }
  }

  std::string object_op(const Op& op) {
    auto cell = [](TypeRef t) { return t->is(Kind::Object) || t->is(Kind::PyInt) || t->is(Kind::PyFloat) || t->is(Kind::PyBool); };
    for (ValueId v : op.args)
      if (!cell(type(v))) return "an operand of type " + type(v)->text;
    for (ValueId v : op.results)
      if (!cell(type(v))) return "a result of type " + type(v)->text;
    return {};
  }

  std::string tuple_make(const Op& op) {
    TypeRef t = result(op);
    if (t->items.size() != op.args.size() || t->items.empty()) return {};    // slots may come in other portions than items
    for (size_t i = 0; i < op.args.size(); ++i)
      if (t->items[i] != arg(op, i)) return "operand " + std::to_string(i) + " is not of the item's type";
    return {};
  }

  static bool ref_cast(TypeRef from, TypeRef to) {
    if (from->is(Kind::Exc)) return to->is(Kind::Exc);
    return from->is(Kind::List) && to->is(Kind::List) && (from->elem->is(Kind::Bottom) || to->elem->is(Kind::Bottom));
  }

  std::string tuple_get(const Op& op) {
    TypeRef t = arg(op, 0);
    if (t->is(Kind::Range)) return need(op.imm >= 0 && op.imm < 3 && result(op)->is(Kind::PyInt), "a range has three pyint");
    if (t->is(Kind::Iter) || t->is(Kind::Method)) return {};
    return need(op.imm >= 0 && static_cast<size_t>(op.imm) < t->items.size() && t->items[static_cast<size_t>(op.imm)] == result(op),
                "no item of that type at that index");
  }

  std::string array_make(const Op& op) {
    TypeRef t = result(op);
    if (!t->is(Kind::Array)) return "the result is an array";
    size_t ints = static_cast<size_t>(t->ndim + strides_of(t));
    if (op.args.size() != 2 + ints || !arg(op, 0)->is(Kind::Owner) || !pointer(op, 1)) return "(owner, ptr, shape, strides of the layout)";
    for (size_t i = 2; i < op.args.size(); ++i)
      if (!integer(op, i)) return "shape and strides are pyint";
    return {};
  }

  std::string call(const Op& op) {
    const Function* callee = program_ ? program_->find(op.sym) : nullptr;
    if (!program_) return {};
    if (!callee) return "no function @" + op.sym + " in this program";
    if (callee->blocks.empty()) return {};
    const std::vector<ValueId>& params = callee->blocks[0].params;
    if (params.size() != op.args.size()) return "@" + op.sym + " takes " + std::to_string(params.size()) + " arguments";
    for (size_t i = 0; i < params.size(); ++i)
      if (callee->values[params[i]].type != arg(op, i)) return "argument " + std::to_string(i) + " of @" + op.sym + " is of another type";
    return need(!callee->result || callee->result == result(op), "the callee's result type is another");
  }

  TypeRef type(ValueId v) const { return f_.values[v].type; }
  TypeRef arg(const Op& op, size_t i) const { return type(op.args[i]); }
  TypeRef result(const Op& op) const { return type(op.results[0]); }
  bool same_operands(const Op& op) const {
    for (size_t i = 1; i < op.args.size(); ++i)
      if (arg(op, i) != arg(op, 0)) return false;
    return true;
  }
  bool pointer(const Op& op, size_t i) const { return arg(op, i)->is(Kind::Ptr); }
  bool integer(const Op& op, size_t i) const { return arg(op, i)->is(Kind::PyInt); }
  bool array(const Op& op) const { return !op.args.empty() && arg(op, 0)->is(Kind::Array); }
  bool list(const Op& op) const { return arg(op, 0)->is(Kind::List); }
  bool indices(const Op& op, size_t first) const {
    if (op.args.size() != first + static_cast<size_t>(arg(op, 0)->ndim)) return false;
    for (size_t i = first; i < op.args.size(); ++i)
      if (!integer(op, i)) return false;
    return true;
  }
  static bool wraps(TypeRef t) { return t->is(Kind::Optional) || t->is(Kind::Unbound); }

  const Function& f_;
  const Program* program_;
};

}  // namespace

std::string verify_types(const Function& f, const Program* program) { return Types(f, program).run(); }

}  // namespace coluber::ir
