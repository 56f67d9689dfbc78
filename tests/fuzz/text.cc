#include "core/base/error.h"
#include "core/base/expression.h"
#include "core/base/json.h"
#include "tests/fuzz/targets.h"

namespace understudy {

void FuzzText(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 3) {
      case 0:
        ParseJson(text, "fuzz").dump(-1, ' ', false, Json::error_handler_t::replace);
        return;
      case 1:
        ParseYaml(text, "fuzz").dump(-1, ' ', false, Json::error_handler_t::replace);
        return;
      default: {
        Facts facts;
        AddFacts("dr", Json{{"light", {0.5, 1}}, {"name", "x"}}, facts);
        facts["steps"] = 12;
        facts["success"] = true;
        Expression(text).Evaluate(facts);
      }
    }
  } catch (const Error&) {
    // what bad input is for
  }
}

}  // namespace understudy
