#include "view/live/live_frame.h"

#include <cstring>

namespace understudy {
namespace {

class Writer {
 public:
  template <class T>
  void Add(T value) {
    static_assert(sizeof(T) == 4);
    text_.append(reinterpret_cast<const char*>(&value), 4);
  }
  void Add(const std::vector<float>& values) {
    text_.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string LiveFrameMessage(const LiveFrame& frame, const std::vector<float>& poses,
                             const std::vector<float>& contacts) {
  Writer writer;
  writer.Add(uint32_t{1});
  writer.Add(static_cast<uint32_t>(frame.step));
  writer.Add(static_cast<float>(frame.sim_time_s));
  writer.Add(static_cast<uint32_t>(frame.success ? 1 : 0));
  writer.Add(static_cast<uint32_t>(poses.size() / 7));
  writer.Add(static_cast<uint32_t>(frame.arms.size()));
  writer.Add(static_cast<uint32_t>(contacts.size() / 3));
  writer.Add(static_cast<uint32_t>(frame.sample_ns / 10'000));
  writer.Add(poses);
  for (const LiveArm& arm : frame.arms) {
    const Eigen::Vector3d& p = arm.X_WE_cmd.translation();
    const Eigen::Quaterniond& q = arm.X_WE_cmd.rotation();
    for (const double v : {p.x(), p.y(), p.z(), q.w(), q.x(), q.y(), q.z(), arm.gripper}) {
      writer.Add(static_cast<float>(v));
    }
    writer.Add(arm.flags);
  }
  writer.Add(contacts);
  return writer.Take();
}

}  // namespace understudy
