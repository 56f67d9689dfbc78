#include "core/seam/renderer.h"

#include "core/base/error.h"

namespace understudy {

void Renderer::Render(const SimState& state, const std::vector<std::string>& cameras, int width,
                      int height, std::vector<Image>* images) {
  Require(images != nullptr && width > 0 && height > 0, "a picture needs a size and a place");
  DoRender(state, cameras, width, height, images);
  Require(images->size() == cameras.size(), "one image per camera");
}

void Renderer::RenderMaps(const SimState& state, const std::vector<std::string>& cameras, int width,
                          int height, std::vector<PixelMaps>* maps) {
  Require(maps != nullptr && width > 0 && height > 0, "a picture needs a size and a place");
  DoRenderMaps(state, cameras, width, height, maps);
  Require(maps->size() == cameras.size(), "one map per camera");
}

void Renderer::DoRenderMaps(const SimState&, const std::vector<std::string>&, int, int,
                            std::vector<PixelMaps>*) {
  ThrowBadInput("this renderer draws colours only");
}

const std::vector<ShownShape>& Renderer::DoShapes() const {
  static const std::vector<ShownShape> none;
  return none;
}

void Renderer::DoSetWorld(const PhysicsVariation& variation) {
  RequireNominal(variation, "this renderer");
}

}  // namespace understudy
