// What the docs say of buttons is what the bindings say.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/json.h"
#include "teleop/openxr/bindings.h"

namespace understudy {
namespace {

TEST(Buttons, TheTableInTheDocsIsThatOfTheBindings) {
  std::string table;
  for (const ProfileSpec& profile : AllProfiles()) {
    const ButtonNames names = ButtonsOf(profile.path);
    const std::string name = profile.path.substr(std::string("/interaction_profiles/").size());
    table += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |\n", name, names.engage,
                         names.gripper, names.start, names.discard, names.reset, names.again,
                         names.stop, names.view);
  }
  const std::string page = ReadText(UNDERSTUDY_SOURCE_DIR "/docs/teleop.md");
  const std::string head = "|---|---|---|---|---|---|---|---|---|\n";
  const size_t begin = page.find(head, page.find("<!-- buttons -->")) + head.size();
  const size_t end = page.find("<!-- /buttons -->");
  ASSERT_LE(begin, end);
  EXPECT_EQ(page.substr(begin, end - begin), table);
}

TEST(Buttons, HaveNamesOnEveryControllerThatHasThem) {
  const ButtonNames touch = ButtonsOf("/interaction_profiles/oculus/touch_controller");
  EXPECT_EQ(touch.start, "A (right)");
  EXPECT_EQ(touch.stop, "Y (left)");
  EXPECT_EQ(touch.view, "the sticks");
  // a thumb that presses a trackpad must not move the view
  EXPECT_EQ(ButtonsOf("/interaction_profiles/htc/vive_controller").view,
            "no stick of this controller");
  EXPECT_EQ(touch.engage, "hold the squeeze");
  EXPECT_EQ(ButtonsOf("/interaction_profiles/ext/hand_interaction_ext").engage, "hold a fist");
  EXPECT_EQ(ButtonsOf("/interaction_profiles/khr/simple_controller").start,
            "no button of this controller");
  EXPECT_EQ(ButtonsOf("").engage, ButtonNames().engage);
}

}  // namespace
}  // namespace understudy
