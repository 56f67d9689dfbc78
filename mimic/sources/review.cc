#include "mimic/sources/review.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

constexpr const char* kHeader = "demo,uuid,subtask,signal,end,poses_end,confidence,flags,evidence";

std::string Quoted(const std::string& text) {
  if (text.find_first_of(",;\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

constexpr const char* kSkip = "skip";

// `none` for an end that was not found.
std::string EndText(int end, const char* none = "none") {
  return end < 0 ? none : std::to_string(end);
}
std::string EndText(const SubtaskEnd& end, const char* none = "none") {
  return end.skipped ? kSkip : EndText(end.end, none);
}
std::string PosesText(const SubtaskEnd& end) { return end.inferred ? EndText(*end.inferred) : ""; }

// One record of a CSV text and the line that it begins in.
struct Record {
  int line = 0;
  std::vector<std::string> fields;
};

std::vector<Record> Records(const std::string& text, char separator, const std::string& name) {
  std::vector<Record> records;
  Record record{1, {""}};
  int line = 1;
  bool quoted = false;
  const auto end_record = [&] {
    const bool blank = record.fields.size() == 1 && record.fields[0].empty();
    if (!blank) records.push_back(record);
    record = {line, {""}};
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    line += c == '\n';
    if (quoted) {
      if (c != '"') {
        record.fields.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        record.fields.back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && record.fields.back().empty()) {
      quoted = true;
    } else if (c == separator) {
      record.fields.emplace_back();
    } else if (c == '\n') {
      end_record();
    } else if (c != '\r') {
      record.fields.back() += c;
    }
  }
  if (quoted) ThrowBadInput(fmt::format("{}:{}: a quote that nothing closes", name, record.line));
  end_record();
  return records;
}

// Places of the columns by name.
std::map<std::string, size_t> ColumnsOf(const Record& header, const std::string& name) {
  std::map<std::string, size_t> columns;
  for (size_t i = 0; i < header.fields.size(); ++i) columns.emplace(header.fields[i], i);
  for (const char* wanted : {"demo", "uuid", "subtask", "end"}) {
    if (columns.contains(wanted)) continue;
    ThrowBadInput(fmt::format("{}:{}: no column '{}': a review begins with the line '{}'", name,
                              header.line, wanted, kHeader));
  }
  return columns;
}

int NumberIn(const std::string& text, const std::string& place, const char* allowed) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) {
    ThrowBadInput(fmt::format("{}: '{}' must be {}", place, text, allowed));
  }
  return number;
}

}  // namespace

bool DemoReview::flagged() const {
  return std::any_of(ends.begin(), ends.end(),
                     [](const SubtaskEnd& e) { return !e.flags.empty(); });
}

std::string ReviewToCsv(const std::vector<DemoReview>& demos) {
  std::string text = std::string(kHeader) + "\n";
  for (const DemoReview& demo : demos) {
    for (size_t i = 0; i < demo.ends.size(); ++i) {
      const SubtaskEnd& end = demo.ends[i];
      text +=
          fmt::format("{},{},{},{},{},{},{:.2g},{},{}\n", Quoted(demo.demo), Quoted(demo.uuid), i,
                      Quoted(end.signal), EndText(end, ""), PosesText(end), end.confidence,
                      Quoted(fmt::format("{}", fmt::join(end.flags, "; "))), Quoted(end.evidence));
    }
  }
  return text;
}

std::vector<ReviewLine> ReadReview(const std::filesystem::path& file) {
  std::string text = ReadText(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const std::string name = file.string(), first = text.substr(0, text.find('\n'));
  const bool semicolons = first.find(',') == std::string::npos;
  const std::vector<Record> records = Records(text, semicolons ? ';' : ',', name);
  if (records.empty()) ThrowBadInput(fmt::format("{}: is empty, no review", name));
  const std::map<std::string, size_t> columns = ColumnsOf(records[0], name);
  std::vector<ReviewLine> lines;
  for (size_t r = 1; r < records.size(); ++r) {
    const Record& record = records[r];
    const std::string place = fmt::format("{}:{}", name, record.line);
    const auto field = [&](const char* column) {
      const size_t at = columns.at(column);
      return at < record.fields.size() ? record.fields[at] : std::string();
    };
    const std::string end = field("end");
    if (end.empty()) continue;
    ReviewLine line{record.line, field("demo"), field("uuid"), 0, {}};
    line.subtask = NumberIn(field("subtask"), place + ": subtask", "a number from 0");
    line.wanted.skip = end == kSkip;
    if (!line.wanted.skip) {
      line.wanted.end = NumberIn(end, place + ": end", "a step, or skip");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string ReviewToText(const std::vector<DemoReview>& demos, size_t most) {
  size_t lines = 0;
  for (const DemoReview& demo : demos) lines += demo.ends.size();
  const bool flagged_only = lines > most;
  std::string text = fmt::format("{:10} {:14} {:>5} {:>6} {:>5}  {}\n", "demo", "signal", "end",
                                 "poses", "sure", "evidence; flags");
  for (const DemoReview& demo : demos) {
    if (flagged_only && !demo.flagged()) continue;
    for (const SubtaskEnd& end : demo.ends) {
      std::string flags;
      for (const std::string& flag : end.flags) flags += " ! " + flag;
      text += fmt::format("{:10} {:14} {:>5} {:>6} {:>5.2g}  {}{}\n", demo.demo,
                          end.signal.empty() ? "(last)" : end.signal, EndText(end), PosesText(end),
                          end.confidence, end.evidence, flags);
    }
  }
  if (flagged_only) text += fmt::format("({} lines; shown: demonstrations with flags)\n", lines);
  return text;
}

}  // namespace understudy
