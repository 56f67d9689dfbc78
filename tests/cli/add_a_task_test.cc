// docs/add_a_task.md, followed to the letter: its files, its commands.
#include <regex>

#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

class AddATask : public Cli {};

TEST_F(AddATask, ThePageWorksAsItStands) {
  const std::string page = ReadText(kSource + "/docs/add_a_task.md");
  // fenced blocks: "```xml scene.xml" is a file, "```sh" are commands
  const std::regex block(R"re(```(\w+) ?([\w.]*)\n([^`]*)```)re");
  std::vector<std::string> files, commands;
  for (auto it = std::sregex_iterator(page.begin(), page.end(), block);
       it != std::sregex_iterator(); ++it) {
    if (!(*it)[2].str().empty()) {
      files.push_back((*it)[2]);
      Write((*it)[2], (*it)[3]);
      continue;
    }
    if ((*it)[1] != "sh") continue;
    std::istringstream lines((*it)[3]);
    for (std::string line; std::getline(lines, line);) commands.push_back(line);
  }
  EXPECT_THAT(files, testing::ElementsAre("scene.xml", "task.yaml", "operator.yaml"));
  ASSERT_THAT(commands, testing::SizeIs(4));

  for (const std::string& command : commands) {
    const std::string program = "understudy ";
    ASSERT_EQ(command.substr(0, program.size()), program);
    // a page to look at has no end
    if (command.starts_with("understudy data view")) continue;
    Expect(command.substr(program.size()), 0, "");
  }
  const CommandResult info = Run("data info generated.h5 --json --quiet");
  const Json attempts = Json::parse(info.output).at("attempts");
  EXPECT_EQ(attempts.at("started"), 40);
  EXPECT_GE(attempts.at("rate").get<double>(), 0.8) << info.output;
}

}  // namespace
}  // namespace understudy
