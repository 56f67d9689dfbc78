#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mimic/attempt/attempt.h"
#include "tests/support/fake_simulator.h"

namespace understudy {

// Scripted demonstrations of the fake stack task.
inline std::vector<Episode> FakeDemos(const TaskSpec& task, int count,
                                      const FakeOptions& options = {}) {
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task, options);
  std::vector<Episode> demos;
  for (int i = 0; i < count; ++i) {
    demos.push_back(ScriptedStack(*simulator, task, "D0",
                                  RngKey{.seed = 77}.WithParent(static_cast<uint64_t>(i))));
  }
  return demos;
}

inline std::vector<std::string> DemoNames(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back("demo_" + std::to_string(i));
  return names;
}

inline SourceSet FakeSources(const TaskSpec& task, int count = 5, const FakeOptions& options = {}) {
  return SourceSet(FakeDemos(task, count, options), DemoNames(count), task,
                   MakeFakeSimulator(task, options)->info(), 3);
}

// Whether everything that is content is equal bit for bit.
inline bool SameContent(const Episode& a, const Episode& b) {
  if (a.meta.uuid != b.meta.uuid || a.length() != b.length() || a.final_state != b.final_state ||
      a.meta.success != b.meta.success || a.meta.cause != b.meta.cause ||
      a.meta.sources != b.meta.sources || a.meta.quality != b.meta.quality) {
    return false;
  }
  for (size_t t = 0; t < a.length(); ++t) {
    const Step &x = a.steps[t], &y = b.steps[t];
    if (x.state != y.state || !(x.action == y.action) || !(x.action_clean == y.action_clean) ||
        x.label != y.label || x.subtask != y.subtask || x.source != y.source ||
        x.source_step != y.source_step || x.parts != y.parts) {
      return false;
    }
  }
  return true;
}

// One attempt on the fake.
inline Attempt FakeAttempt(const SourceSet& sources, const TaskSpec& task, const FakeOptions& fake,
                           int64_t attempt, const GenerateOptions& options = {},
                           const std::string& variant = "D0") {
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task, fake);
  return Generate(sources, task, *simulator, variant, options, AttemptKey(1, attempt, variant));
}

}  // namespace understudy
