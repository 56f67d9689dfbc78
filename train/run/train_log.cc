#include "train/run/train_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>

#include "core/base/error.h"
#include "core/base/file_bytes.h"

namespace understudy {
namespace {

constexpr std::string_view kHead = "{\"rows\":[";
constexpr std::string_view kTail = "]}\n";
constexpr const char* kHeldOut = "held_out";
constexpr const char* kFlopUse = "flop_use";

std::string Written(const std::vector<TrainLogRow>& rows) {
  std::string text(kHead);
  for (const TrainLogRow& row : rows) text += (&row == &rows[0] ? "" : ",") + ToJson(row).dump();
  return text.append(kTail);
}

// JSON knows no infinities: they were written as null.
TrainLogRow RowFromJson(const Json& json) {
  const auto number = [&](const char* key) {
    const Json& value = json.at(key);
    return value.is_null() ? std::nan("") : value.get<double>();
  };
  TrainLogRow row;
  row.step = json.at("step").get<int64_t>();
  row.losses.updates = json.at("updates").get<int64_t>();
  row.losses.loss = number("loss");
  row.losses.gradient_norm = number("gradient_norm");
  row.losses.learning_rate = number("learning_rate");
  for (const Json& value : json.at("by_step")) {
    row.losses.by_step.push_back(value.is_null() ? std::nan("") : value.get<double>());
  }
  if (json.contains(kHeldOut)) row.held_out = number(kHeldOut);
  if (json.contains(kFlopUse)) row.flop_use = number(kFlopUse);
  row.samples_per_s = number("samples_per_s");
  row.data_wait_share = number("data_wait_share");
  // all other numbers are parts of the loss
  const Json own = ToJson(TrainLogRow{});
  for (const auto& [key, value] : json.items()) {
    if (!own.contains(key) && key != kHeldOut && key != kFlopUse)
      row.losses.parts.emplace_back(key, number(key.c_str()));
  }
  return row;
}

// The file without the row that a killed run did not finish; discarded if that does not explain
// what is wrong with it.
Json ParseLog(const std::string& text) {
  Json log = Json::parse(text, nullptr, false);
  if (!log.is_discarded() || !text.starts_with(kHead)) return log;
  // a row holds no braces of its own, but a torn write may leave one of the old end
  size_t end = text.size();
  for (int tries = 0; tries < 3; ++tries) {
    end = end == 0 ? std::string::npos : text.rfind('}', end - 1);
    const std::string whole =
        end == std::string::npos ? std::string(kHead) : text.substr(0, end + 1);
    log = Json::parse(whole + "]}", nullptr, false);
    // "data_wait_share" is the last number of a row
    const bool rows = !log.is_discarded() &&
                      (log["rows"].empty() || log["rows"].back().contains("data_wait_share"));
    if (rows || end == std::string::npos) return log;
  }
  return Json(Json::value_t::discarded);
}

}  // namespace

Json ToJson(const TrainLogRow& row) {
  Json json{{"step", row.step}, {"loss", row.losses.loss}};
  for (const auto& [name, value] : row.losses.parts) json[name] = value;
  json["gradient_norm"] = row.losses.gradient_norm;
  json["learning_rate"] = row.losses.learning_rate;
  json["updates"] = row.losses.updates;
  json["by_step"] = row.losses.by_step;
  if (row.held_out) json[kHeldOut] = *row.held_out;
  if (row.flop_use) json[kFlopUse] = *row.flop_use;
  json["samples_per_s"] = row.samples_per_s;
  json["data_wait_share"] = row.data_wait_share;
  return json;
}

std::vector<TrainLogRow> TrainLog::Resume(int64_t step) {
  std::vector<TrainLogRow> rows;
  if (!std::filesystem::exists(file_)) return rows;
  const std::string text = ReadText(file_);
  const Json log = ParseLog(text);
  try {
    if (log.is_discarded()) {
      ThrowBadInput(fmt::format("{}: is damaged; remove it to resume without the losses so far",
                                file_.string()));
    }
    for (const Json& row : log.at("rows")) {
      if (row.at("step").get<int64_t>() <= step) rows.push_back(RowFromJson(row));
    }
  } catch (const Json::exception& error) {
    ThrowBadInput(fmt::format("{}: {}", file_.string(), error.what()));
  }
  const std::string kept = Written(rows);
  if (kept != text) WriteTextAtomically(file_, kept);
  size_ = rows.empty() ? 0 : kept.size();
  return rows;
}

void TrainLog::Append(const TrainLogRow& row) {
  if (size_ == 0) {
    const std::string text = Written({row});
    WriteTextAtomically(file_, text);
    size_ = text.size();
    return;
  }
  const auto fail = [&](const std::string& what) {
    ThrowFailed(fmt::format("{}: {}", file_.string(), what));
  };
  const int fd = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail(fmt::format("open for writing failed: {}", std::strerror(errno)));
  struct stat now {};
  if (::fstat(fd, &now) != 0 || static_cast<size_t>(now.st_size) != size_) {
    ::close(fd);
    fail("was changed by another program during the training");
  }
  // over the end of the file, which follows again
  const size_t start = size_ - kTail.size();
  const std::string text = "," + ToJson(row).dump().append(kTail);
  if (!WriteAt(fd, text.data(), text.size(), start)) {
    const std::string reason = std::strerror(errno);
    ::close(fd);
    fail("write failed: " + reason);
  }
  const bool synced = ::fdatasync(fd) == 0;
  const std::string reason = std::strerror(errno);
  if (::close(fd) != 0 || !synced) fail("fsync failed: " + reason);
  size_ = start + text.size();
}

}  // namespace understudy
