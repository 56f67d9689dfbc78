// The commands that convert and verify have the options of every listed format, and name none.

#include "app/format_command.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "app/registry.h"
#include "core/base/error.h"
#include "data/formats/formats.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const FieldInfo* FieldOf(const Command& command, const std::string& path) {
  const auto found = std::find_if(command.fields.begin(), command.fields.end(),
                                  [&](const FieldInfo& field) { return field.path == path; });
  return found == command.fields.end() ? nullptr : &*found;
}

class FormatCommandTest : public testing::Test {
 protected:
  const std::vector<Command> commands_ = AllCommands();
  const Command& convert_ = FindCommand(commands_, "data convert");
  const Command& verify_ = FindCommand(commands_, "data verify");
};

TEST_F(FormatCommandTest, TargetsAreTheListedFormats) {
  const FieldInfo* to = FieldOf(convert_, "to");
  ASSERT_NE(to, nullptr);
  std::vector<std::string> names;
  for (const DatasetFormat& format : DatasetFormats()) {
    if (!format.Write) continue;  // it is only read
    EXPECT_THAT(to->doc, HasSubstr(format.name + " = " + format.summary));
    names.push_back(format.name);
  }
  EXPECT_EQ(to->choices, names);
  EXPECT_EQ(to->default_value, kUsualTarget);
  EXPECT_EQ(&FormatNamed("understudy"), &OwnFormat());
}

TEST_F(FormatCommandTest, OptionsOfFormatsAreOptionsOfTheCommand) {
  for (const DatasetFormat& format : DatasetFormats()) {
    for (const FormatOptions& options : format.write_options) {
      for (const FieldInfo& field : options.fields) {
        EXPECT_TRUE(field.path.starts_with(options.name + ".")) << field.path;
        EXPECT_NE(FieldOf(convert_, field.path), nullptr) << field.path;
        EXPECT_EQ(FieldOf(verify_, field.path), nullptr) << field.path;
      }
      EXPECT_EQ(convert_.defaults.at(options.name), options.defaults);
    }
    for (const FormatOptions& options : format.import_options) {
      for (const FieldInfo& field : options.fields) {
        EXPECT_NE(FieldOf(convert_, field.path), nullptr) << field.path;
        EXPECT_NE(FieldOf(verify_, field.path), nullptr) << field.path;
      }
    }
  }
  const auto count = [&](const std::string& path) {
    return std::count_if(convert_.fields.begin(), convert_.fields.end(),
                         [&](const FieldInfo& field) { return field.path == path; });
  };
  EXPECT_EQ(count("robosuite.version"), 1) << "shared options stand once";
}

TEST_F(FormatCommandTest, AllViolationsAreListed) {
  const Json wrong{{"path", "x"},
                   {"out", "y"},
                   {"control_hz", -1},
                   {"robosuite", {{"version", "v9"}}},
                   {"lerobot", {{"qualty", 3}, {"gop", 0}}}};
  EXPECT_THAT([&] { convert_.resolve(wrong); },
              ThrowsMessage<Error>(
                  AllOf(HasSubstr("data convert: "), HasSubstr("control_hz: = -1"),
                        HasSubstr("robosuite.version"), HasSubstr("lerobot.qualty"),
                        HasSubstr("did you mean 'quality'"), HasSubstr("lerobot.gop: = 0"))));
  const Json resolved = convert_.resolve({{"path", "x"}, {"out", "y"}, {"lerobot", {{"gop", 9}}}});
  EXPECT_EQ(resolved.at("lerobot").at("gop"), 9);
  EXPECT_EQ(resolved.at("lerobot").at("quality"), 20);
  EXPECT_EQ(convert_.resolve(resolved), resolved);
}

}  // namespace
}  // namespace understudy
