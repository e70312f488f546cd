// The engine's C ABI: sessions around the driver.
#include <cstring>
#include <deque>
#include <string>

#include "jit/driver/compile.h"
#include "jit/driver/listing.h"

using coluber::jit::Compilation;

struct clb_session {
  const clb_host* host;
  std::deque<Compilation> compilations;
  clb_options last_options{};
  std::string text;
};

#define CLB_EXPORT extern "C" __attribute__((visibility("default")))

CLB_EXPORT int clb_api_version(void) { return CLB_API_VERSION; }

CLB_EXPORT const char* clb_build_id(void) {
#ifdef COLUBER_BUILD_ID
  return COLUBER_BUILD_ID;
#else
  return __DATE__ " " __TIME__;
#endif
}

CLB_EXPORT clb_session* clb_session_new(const clb_host* host) {
  clb_session* s = new clb_session;
  s->host = host;
  return s;
}

CLB_EXPORT const clb_result* clb_compile(clb_session* session, const clb_request* request) {
  session->compilations.emplace_back();
  session->last_options = request->options;
  coluber::jit::compile(session->host, *request, &session->compilations.back());
  return &session->compilations.back().result;
}

// LLVM text and assembly are made again on request: keeping them always would cost every compilation.
CLB_EXPORT const char* clb_dump(clb_session* session, const char* stage) {
  if (session->compilations.empty()) return nullptr;
  Compilation& c = session->compilations.back();
  if (!c.program) return nullptr;
  if (!std::strcmp(stage, "llvm") || !std::strcmp(stage, "asm")) {
    coluber::backend::Options o = coluber::jit::backend_options(session->last_options);
    o.keep_llvm = o.keep_asm = true;
    coluber::backend::CompiledObject again = coluber::backend::compile_program(*c.program, o);
    session->text = !std::strcmp(stage, "llvm") ? again.llvm_text : again.asm_text;
    return session->text.c_str();
  }
  if (!std::strcmp(stage, "listing")) {
    session->text = coluber::jit::listing_json(c, session->last_options);
    return session->text.c_str();
  }
  session->text = !std::strcmp(stage, "loops") ? coluber::jit::loops_json(c) : coluber::ir::print(*c.program);
  return session->text.c_str();
}

CLB_EXPORT void clb_session_free(clb_session* session) { delete session; }

CLB_EXPORT void clb_release(void* code) { delete static_cast<coluber::backend::MachineCode*>(code); }

CLB_EXPORT const char* clb_cpu(void) { return coluber::backend::cpu_text().c_str(); }
