#pragma once

// A running stage in pages of this machine's browsers.

#include <memory>
#include <string>

#include "core/seam/browser_link.h"
#include "core/seam/scene_view.h"
#include "view/http/page_server.h"

namespace understudy {

struct LiveViewOptions {
  PageOptions page = {};
};

// Serves the live page and sends every open one what is shown, from threads of its own, until it is
// destroyed. A page that is slow skips instants.
class LiveView final : public BrowserLink {
 public:
  // `scenes` is called on a thread of this, which uses what it makes. Throws what it throws, and
  // Error(kFailed) if the port cannot be opened.
  LiveView(const SceneViewFactory& scenes, const LiveViewOptions& options);
  ~LiveView() override;

  void Show(const LiveFrame& frame) override;
  void Look(const SceneVariation& look) override;
  void Say(const Json& status) override;
  void ChangeScene(const SceneViewFactory& scenes) override;
  void Reply(uint64_t page, const Json& message) override;
  void Take(std::vector<BrowserMessage>* messages) override;
  const std::string& url() const override;
  const PageServer& server() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
