// Lists made empty. The element type of `[]` is decided by what is put in: the place where the list is made (a "site") remembers the
// join of all items; when it grows, the values that carry the site are typed again.
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

uint32_t find_site(Spec& spec, uint32_t s) {
  while (spec.sites[s].parent != s) s = spec.sites[s].parent = spec.sites[spec.sites[s].parent].parent;
  return s;
}

// Joins an item into a site; true when its element type changed.
bool grow_site(Spec& spec, uint32_t s, const AbsVal& item) {
  ListSite& site = spec.sites[find_site(spec, s)];
  AbsVal now;
  AbsVal plain = item;
  plain.c = nullptr;
  plain.site = ~0u;
  if (!join(site.elem, plain, &now)) fail("ListItem", {describe(list_of(site.elem.type)), describe(item)});
  now.c = nullptr;
  if (now.type == site.elem.type) return false;
  site.elem = now;
  spec.sites_grew = true;
  return true;
}

void widen_list(Emit& e, const TV& list, const AbsVal& item) {
  if (item.is_bottom()) return;
  if (list.site != ~0u && e.dry()) { grow_site(e.spec(), list.site, item); return; }
  TypeRef t = list.type->elem;
  if (t == item.type) return;
  AbsVal elem, joined;
  elem.type = t;
  if (!join(elem, item, &joined) || joined.type != t) {
    if (is_number(t) && is_number(item.type) && is_weak(t) && is_float(t) && is_integer(item.type)) return;
    fail("ListItem", {describe(list.type), describe(item)});
  }
}

}  // namespace coluber::typing
