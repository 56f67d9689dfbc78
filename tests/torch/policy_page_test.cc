#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "small_groot_head.h"

namespace understudy {
namespace {

// Names in backticks of a section of docs/policy.md, {a,b} written out.
std::set<std::string> NamesOfPage(const std::string& section) {
  const std::string page = ReadText(std::string(UNDERSTUDY_SOURCE_DIR) + "/docs/policy.md");
  const size_t begin = page.find("\n## " + section + "\n");
  Require(begin != std::string::npos, "the page has the section " + section);
  const std::string text = page.substr(begin, page.find("\n## ", begin + 1) - begin);
  std::set<std::string> names;
  const std::function<void(const std::string&)> add = [&](const std::string& name) {
    const size_t open = name.find('{'), close = name.find('}');
    if (open == std::string::npos) {
      names.insert(name);
      return;
    }
    std::istringstream parts(name.substr(open + 1, close - open - 1));
    for (std::string part; std::getline(parts, part, ',');) {
      add(name.substr(0, open) + part + name.substr(close + 1));
    }
  };
  const std::regex quoted("`([^`]+)`");
  for (std::sregex_iterator it(text.begin(), text.end(), quoted), end; it != end; ++it) {
    add((*it)[1]);
  }
  return names;
}

// docs/policy.md names every weight of the network, and no other of its form.
TEST(PolicyPage, NamesTheWeightsOfGroot) {
  std::set<std::string> weights;
  for (const Json& option :
       {Json::object(), Json{{"encoder", "resnet18"}},
        Json{{"encoder", "resnet18"}, {"norms", "frozen_batch"}},
        Json{{"encoder", "vit"}, {"vit_patch", 4}, {"vit_width", 6}, {"vit_layers", 1}}}) {
    Json policy = SmallPolicy();
    policy.update(option);
    SmallLearner learner(SmallLayout(), policy, SmallTrainer());
    for (const auto& [name, blob] : learner->ExportPolicy()) {
      weights.insert(std::regex_replace(name, std::regex("\\.[0-9]+"), ".<n>"));
    }
  }
  const std::set<std::string> page = NamesOfPage("groot");
  for (const std::string& name : weights) EXPECT_TRUE(page.contains(name)) << name;
  for (const std::string& name : page) {
    if (std::regex_match(name, std::regex(".*\\.(weight|bias|W|b|running_mean|running_var)"))) {
      EXPECT_TRUE(weights.contains(name)) << name;
    }
  }
}

TEST(PolicyPage, NamesTheWeightsOfGrootsHead) {
  std::set<std::string> weights;
  for (const char* version : {"n1_5", "n1_6", "n1_7"}) {
    Json policy = SmallHead(version);
    policy["mask_token"] = version == std::string("n1_6");
    for (const auto& [name, blob] :
         MakeGrootHeadLearner(HeadLayout(policy), policy, SmallTrainer())->ExportPolicy()) {
      weights.insert(std::regex_replace(name, std::regex("\\.[0-9]+"), ".<n>"));
    }
  }
  const std::set<std::string> page = NamesOfPage("groot_head");
  for (const std::string& name : weights) EXPECT_TRUE(page.contains(name)) << name;
  for (const std::string& name : page) {
    if (std::regex_match(name, std::regex(".*\\.(weight|bias|W|b)"))) {
      EXPECT_TRUE(weights.contains(name)) << name;
    }
  }
}

}  // namespace
}  // namespace understudy
