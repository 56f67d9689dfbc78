// data view: a dataset in a browser on this machine, and its marks as filter keys.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "app/data_commands.h"
#include "app/twin.h"
#include "core/base/error.h"
#include "data/formats/formats.h"
#include "view/dataset/marks.h"
#ifdef WITH_VIEW
#include "view/dataset/view_server.h"
#endif

namespace understudy {
namespace {

struct ViewFlags {
  std::string path, marks, out;
  int port = 0;
  bool apply_marks = false;
  std::string key = "keep", drop_key = "drop";
  Mark unmarked = Mark::kNone;
  bool by_reference = false, overwrite = false;
  ReadOptions read;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset", kRequired);
    v("port", port, "of 127.0.0.1; 0: a free one", Limits{0, 65535});
    v("marks", marks, "file of the marks; empty: <dataset>.marks.json");
    v("apply_marks", apply_marks,
      "show nothing: write the marks as filter keys of a new dataset, --out");
    v("out", out, "with --apply-marks: dataset to write", kOutput);
    v("key", key, "with --apply-marks: filter key of the kept episodes");
    v("drop_key", drop_key, "with --apply-marks: filter key of the dropped ones");
    v("unmarked", unmarked, "with --apply-marks: which key episodes without a mark go to");
    v("by_reference", by_reference, "a master of relative links instead of a copy");
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
    read.Visit(v);
  }
};

#ifdef WITH_VIEW
Json Apply(const ViewFlags& flags, CommandContext& context) {
  Given(flags.out, "view --apply-marks", "out");
  const std::unique_ptr<EpisodeSource> reader = OpenDataset(flags.path, flags.read);
  const Marks marks(*reader, flags.marks);
  if (!marks.notice().empty()) context.progress->Message(marks.notice());
  Json result{{"out", flags.out}, {"marks", marks.file().string()}};
  if (context.plan) return result;
  const ApplyReport report = ApplyMarks(flags.path, marks.All(), flags.out,
                                        {.keep_key = flags.key,
                                         .drop_key = flags.drop_key,
                                         .unmarked = flags.unmarked,
                                         .by_reference = flags.by_reference,
                                         .overwrite = flags.overwrite,
                                         .read = flags.read});
  result["episodes"] = report.episodes;
  result[flags.key] = report.kept;
  result[flags.drop_key] = report.dropped;
  return result;
}

Json View(const ViewFlags& flags, CommandContext& context) {
  Given(flags.path, "view", "path");
  if (flags.apply_marks) return Apply(flags, context);
  if (!flags.out.empty()) ThrowUsage("out: goes with --apply-marks");
  if (context.plan) {
    const std::unique_ptr<EpisodeSource> reader = OpenDataset(flags.path, flags.read);
    return {{"path", flags.path},
            {"episodes", reader->episodes().size()},
            {"marks", Marks(*reader, flags.marks).file().string()}};
  }
  // the twin of the dataset is made when the page first asks for it
  const SceneViewFactory scenes = [&flags] {
    return LoadTwinOf(*OpenDataset(flags.path, flags.read), "", "").views();
  };
  const ViewServer server(
      flags.path, {.port = flags.port, .marks = flags.marks, .read = flags.read, .scenes = scenes});
  if (!server.notice().empty()) context.progress->Message(server.notice());
  context.progress->Message(server.url() + "  (Ctrl-C ends)");
  while (!InterruptRequested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  // the way this command ends: nothing was cut short
  ClearInterrupt();
  Json result = server.Summary();
  result["url"] = server.url();
  return result;
}
#else
Json View(const ViewFlags&, CommandContext&) {
  ThrowUsage(
      "this program was built without Boost, which showing datasets needs: install libboost-dev "
      "(`make setup` does), then configure with -DWITH_VIEW=ON and build again");
}
#endif

}  // namespace

Command ViewCommand() {
  return MakeCommand<ViewFlags>("data view",
                                "look at a dataset in a browser, and mark what to keep and drop",
                                View, [](const Json& result) { return Outline(result); });
}

}  // namespace understudy
