// Prints the hands of every demonstration as the device sent them, for twin_page_test.py: a list of
// {"attempt", "samples": [[seconds, then 9 numbers for each hand: position, quaternion xyzw,
// squeeze and trigger]]}.
#include <cstdio>

#include "core/base/json.h"
#include "data/store/reader.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: raw_stream FILE\n", stderr);
    return 2;
  }
  using understudy::Json;
  const understudy::DatasetReader reader(argv[1]);
  Json all = Json::array();
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const understudy::Episode episode = reader.ReadEpisode(i, true);
    Json samples = Json::array();
    for (const understudy::RawSample& sample : episode.raw.samples) {
      const int64_t since = sample.monotonic_ns - episode.raw.samples.front().monotonic_ns;
      Json row{1e-9 * static_cast<double>(since)};
      for (const understudy::RawHand& hand : sample.hands) {
        const Eigen::Vector3d& p = hand.X_TH.translation();
        const Eigen::Quaterniond& q = hand.X_TH.rotation();
        for (const double v : {p.x(), p.y(), p.z(), q.x(), q.y(), q.z(), q.w(),
                               double{hand.squeeze}, double{hand.trigger}}) {
          row.push_back(v);
        }
      }
      samples.push_back(std::move(row));
    }
    all.push_back({{"attempt", episode.meta.attempt}, {"samples", std::move(samples)}});
  }
  std::puts(all.dump().c_str());
  return 0;
}
