#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/rates.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/image/image.h"
#include "core/spec/task_spec.h"

namespace understudy {

struct GalleryOptions {
  std::string out = "gallery.html";
  std::vector<std::string> tasks;
  std::vector<std::string> reports;
  template <class V>
  void Visit(V& v) {
    v("out", out, "HTML page to write", kOutput);
    v("tasks", tasks, "listed tasks or paths of a task.yaml; empty: every listed task");
    v("reports", reports,
      "generated datasets and reports of evaluate, whose rates take the place of the shipped ones");
  }
};

// One task as the page shows it.
struct GalleryItem {
  TaskSpec task;
  Image picture;     // empty if it could not be drawn
  std::string note;  // why not; empty: nothing is missing
  TaskRates rates;
};

// One self-contained page: picture, reset ranges and measured rates of every task.
std::string GalleryPage(const std::vector<GalleryItem>& items);

// Draws the tasks and writes the page; with `plan` it only checks. Throws Error(kUsage) if `out`
// exists and is not an earlier page, or a task is unknown, and Error(kBadInput) if a file of
// `reports` is not a report.
Json MakeGallery(const GalleryOptions& options, bool plan, Progress& progress);

}  // namespace understudy
