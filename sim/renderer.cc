#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <numbers>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "sim/gl_context.h"
#include "sim/looks/model_look.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/scene.h"
#include "sim/shown_state.h"

namespace understudy {
namespace {

// Tessellation of round shapes. In software rendering vertices cost more than pixels, so small
// pictures get few.
struct Tessellation {
  int slices, stacks, quads;
  int max_side_px;  // for pictures up to this
};
constexpr std::array<Tessellation, 2> kTessellations{{{16, 8, 2, 128}, {32, 16, 4, 1 << 20}}};

// Larger pictures than any OpenGL driver must offer.
constexpr int kMaxSide = 8192;

// MuJoCo's drawing lists, textures and buffers for one tessellation; needs its GL context current.
struct Canvas {
  mjrContext context;
  int width = 0, height = 0;

  Canvas() { mjr_defaultContext(&context); }
  ~Canvas() { mjr_freeContext(&context); }
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;
};

class MujocoRenderer : public Renderer {
 public:
  MujocoRenderer(std::shared_ptr<const Scene> scene, const RenderOptions& options)
      : nominal_(std::move(scene)),
        options_(options),
        gl_(options.device),
        inventory_(MakeInventory(*nominal_->model())) {
    Enter(nominal_);
    // draw shapes of the visible groups, without decorations
    mjv_defaultOption(&show_);
    std::fill(std::begin(show_.sitegroup), std::end(show_.sitegroup), mjtByte{0});
    show_.flags[mjVIS_RANGEFINDER] = 0;
    mjv_defaultScene(&drawing_);
    mjv_makeScene(model_.get(), &drawing_, static_cast<int>(model_->ngeom) + 256);
    drawing_.flags[mjRND_SHADOW] = options.shadows;
    drawing_.flags[mjRND_REFLECTION] = 1;  // free unless a material reflects
    drawing_.flags[mjRND_FOG] = 0;
    drawing_.flags[mjRND_SKYBOX] = look_->shows_sky();
  }

  ~MujocoRenderer() override {
    try {
      gl_.MakeCurrent();
    } catch (const std::exception&) {
      // the context is lost: there is nothing left in it to free
    }
    for (auto& canvas : canvases_) canvas.reset();
    for (auto& canvas : exact_canvases_) canvas.reset();
    mjv_freeScene(&drawing_);
  }

 private:
  const RendererInfo& DoInfo() const override { return gl_.info(); }
  const SceneInventory& DoInventory() const override { return inventory_; }

  // Draws the scene of a world, in its nominal look.
  void Enter(std::shared_ptr<const Scene> scene) {
    scene_ = std::move(scene);
    model_.reset(mj_copyModel(nullptr, scene_->model()));
    // near and far planes and shadows, which canvases keep, are the nominal world's
    model_->stat.extent = nominal_->model()->stat.extent;
    data_.reset(mj_makeData(model_.get()));
    look_.emplace(scene_->model(), model_.get());
    shapes_ = FindShapes();
  }

  void DoSetWorld(const PhysicsVariation& variation) override {
    std::shared_ptr<const Scene> scene = Scene::Vary(nominal_, variation);
    if (scene == scene_) return;
    // painted textures are put back while it is known which ones they are
    const SceneVariation shown = std::exchange(shown_, {});
    DoSetVariation(shown_);
    Enter(std::move(scene));
    width_ = 0;  // nothing of this world has been shown
    DoSetVariation(shown);
  }

  void DoSetVariation(const SceneVariation& variation) override {
    look_->Apply(variation);
    shown_ = variation;
    drawing_.flags[mjRND_SKYBOX] = look_->shows_sky();
    gl_.MakeCurrent();
    const WithSky with_sky(look_->room(), model_.get());
    for (const int texture : look_->TakeChangedTextures()) {
      for (auto& canvas : canvases_) {
        if (canvas) mjr_uploadTexture(model_.get(), &canvas->context, texture);
      }
    }
    // what a canvas keeps of materials
    for (auto& canvas : canvases_) {
      if (!canvas) continue;
      std::copy_n(model_->mat_texrepeat, 2 * model_->nmat, canvas->context.mat_texrepeat);
    }
    if (width_ > 0) UpdatePoses();
  }

  // Places the state, and finds the cameras that look at it.
  std::vector<int> Begin(const SimState& state, const std::vector<std::string>& cameras, int width,
                         int height) {
    SetState(state);
    if (width > kMaxSide || height > kMaxSide) {
      ThrowUsage(fmt::format("a picture of {} x {} pixels is too large: at most {} a side", width,
                             height, kMaxSide));
    }
    std::vector<int> ids;
    for (const std::string& camera : cameras) ids.push_back(CameraId(camera));
    width_ = width;
    height_ = height;
    return ids;
  }

  void DoRender(const SimState& state, const std::vector<std::string>& cameras, int width,
                int height, std::vector<Image>* images) override {
    const std::vector<int> ids = Begin(state, cameras, width, height);
    images->resize(cameras.size());

    // one after the other in the same place: a picture must not depend on its neighbours, and
    // rounding in the rasterizer depends on the place. Sharing a buffer would gain nothing
    gl_.MakeCurrent();
    Canvas& canvas = CanvasFor(width, height);
    for (size_t i = 0; i < ids.size(); ++i) {
      Draw(ids[i], canvas);
      ReadBack(canvas, &(*images)[i]);
      look_->Develop(cameras[i], state.front(), &(*images)[i]);
    }
  }

  // Shapes are drawn in colours that number them, without light; one sample per pixel, since
  // colours between two numbers are a third shape's.
  void DoRenderMaps(const SimState& state, const std::vector<std::string>& cameras, int width,
                    int height, std::vector<PixelMaps>* maps) override {
    const std::vector<int> ids = Begin(state, cameras, width, height);
    maps->resize(cameras.size());
    gl_.MakeCurrent();
    Canvas& canvas = CanvasFor(width, height, /*exact=*/true);
    const auto flags = std::to_array(drawing_.flags);
    for (const int off : {mjRND_SHADOW, mjRND_REFLECTION, mjRND_SKYBOX}) drawing_.flags[off] = 0;
    for (const int on : {mjRND_SEGMENT, mjRND_IDCOLOR}) drawing_.flags[on] = 1;
    for (size_t i = 0; i < ids.size(); ++i) {
      Draw(ids[i], canvas);
      ReadMaps(canvas, &(*maps)[i]);
    }
    std::copy(flags.begin(), flags.end(), drawing_.flags);
  }

  const std::vector<ShownShape>& DoShapes() const override { return shapes_; }

  CameraParameters DoParameters(const std::string& camera) const override {
    Require(width_ > 0, "a camera has parameters once a state was rendered");
    const int id = CameraId(camera);
    CameraParameters parameters;
    parameters.width = width_;
    parameters.height = height_;
    parameters.fovy_deg = FieldOfViewDeg(*model_, id);
    const mjtNum* p = data_->cam_xpos + 3 * id;
    const Eigen::Matrix3d R_WC =
        Eigen::Map<const Eigen::Matrix<mjtNum, 3, 3, Eigen::RowMajor>>(data_->cam_xmat + 9 * id);
    parameters.X_WC = Pose(Eigen::Quaterniond(R_WC), {p[0], p[1], p[2]});
    return parameters;
  }

  int CameraId(const std::string& camera) const {
    const int id = mj_name2id(model_.get(), mjOBJ_CAMERA, camera.c_str());
    if (id < 0) {
      ThrowUsage(UnknownName("camera", camera, ModelNames(*model_, mjOBJ_CAMERA)));
    }
    return id;
  }

  void SetState(const SimState& state) {
    Require(SetShownState(scene_->info(), state, *model_, data_.get()),
            "a state belongs to the task that is rendered");
    UpdatePoses();
  }

  // All of the forward pass that a picture needs.
  void UpdatePoses() {
    PlaceShown(*model_, *look_, data_.get());
    if (model_->nflex > 0) mj_flex(model_.get(), data_.get());
    if (model_->ntendon > 0) mj_tendon(model_.get(), data_.get());
  }

  // The canvas for pictures of this size, set as the one to draw on.
  // `exact`: with one sample per pixel.
  Canvas& CanvasFor(int width, int height, bool exact = false) {
    size_t kind = 0;
    while (std::max(width, height) > kTessellations[kind].max_side_px) ++kind;
    const int samples = exact ? 0 : options_.samples;
    const bool apart = samples != options_.samples;
    std::unique_ptr<Canvas>& canvas = (apart ? exact_canvases_ : canvases_)[kind];
    if (!canvas) {
      model_->vis.quality.numslices = kTessellations[kind].slices;
      model_->vis.quality.numstacks = kTessellations[kind].stacks;
      model_->vis.quality.numquads = kTessellations[kind].quads;
      model_->vis.quality.offsamples = samples;
      model_->vis.global.offwidth = width;
      model_->vis.global.offheight = height;
      auto made = std::make_unique<Canvas>();
      // MuJoCo looks up the functions of OpenGL in globals each time
      static std::mutex making;
      const std::lock_guard lock(making);
      const WithSky with_sky(look_->room(), model_.get());
      mjr_makeContext(model_.get(), &made->context, mjFONTSCALE_50);
      made->width = width;
      made->height = height;
      canvas = std::move(made);
    }
    if (canvas->width < width || canvas->height < height) {
      canvas->width = std::max(canvas->width, width);
      canvas->height = std::max(canvas->height, height);
      mjr_resizeOffscreen(canvas->width, canvas->height, &canvas->context);
    }
    mjr_setBuffer(mjFB_OFFSCREEN, &canvas->context);
    if (canvas->context.currentBuffer != mjFB_OFFSCREEN) {
      ThrowFailed(fmt::format("{}: no offscreen buffer of {} x {} pixels", gl_.info().device,
                              canvas->width, canvas->height));
    }
    return *canvas;
  }

  void Draw(int camera, Canvas& canvas) {
    mjvCamera view;
    mjv_defaultCamera(&view);
    view.type = mjCAMERA_FIXED;
    view.fixedcamid = camera;
    mjv_updateScene(model_.get(), data_.get(), &show_, nullptr, &view, mjCAT_STATIC | mjCAT_DYNAMIC,
                    &drawing_);
    mjr_render({0, 0, width_, height_}, &drawing_, &canvas.context);
  }

  // OpenGL's rows start at the bottom, pictures at the top.
  void ReadBack(Canvas& canvas, Image* image) {
    const size_t row = static_cast<size_t>(width_) * 3;
    pixels_.resize(row * height_);
    mjr_readPixels(pixels_.data(), nullptr, {0, 0, width_, height_}, &canvas.context);
    image->width = width_;
    image->height = height_;
    image->rgb.resize(pixels_.size());
    for (int y = 0; y < height_; ++y) {
      std::memcpy(image->rgb.data() + y * row, pixels_.data() + (height_ - 1 - y) * row, row);
    }
  }

  // The numbers of the shapes, and how far from the camera they are.
  void ReadMaps(Canvas& canvas, PixelMaps* maps) {
    const size_t count = static_cast<size_t>(width_) * height_;
    pixels_.resize(3 * count);
    depth_.resize(count);
    mjr_readPixels(pixels_.data(), depth_.data(), {0, 0, width_, height_}, &canvas.context);
    // what is drawn, by its number
    std::vector<int32_t> shape_of(static_cast<size_t>(drawing_.ngeom) + 1, -1);
    for (int i = 0; i < drawing_.ngeom; ++i) {
      const mjvGeom& drawn = drawing_.geoms[i];
      if (drawn.segid < 0 || drawn.objtype != mjOBJ_GEOM) continue;
      shape_of[static_cast<size_t>(drawn.segid) + 1] = drawn.objid;
    }
    const double near = model_->vis.map.znear * model_->stat.extent;
    const double far = model_->vis.map.zfar * model_->stat.extent;
    maps->width = width_;
    maps->height = height_;
    maps->depth.resize(count);
    maps->shape.resize(count);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        const size_t from = static_cast<size_t>(height_ - 1 - y) * width_ + x;
        const size_t to = static_cast<size_t>(y) * width_ + x;
        const uint8_t* rgb = &pixels_[3 * from];
        const size_t number = rgb[0] + (rgb[1] << 8) + (rgb[2] << 16);
        const int32_t shape = number < shape_of.size() ? shape_of[number] : -1;
        maps->shape[to] = shape;
        maps->depth[to] =
            shape < 0 ? std::numeric_limits<float>::infinity()
                      : static_cast<float>(near * far / (far - depth_[from] * (far - near)));
      }
    }
  }

  // Every geom of the model, by id.
  std::vector<ShownShape> FindShapes() const {
    const mjModel& model = *scene_->model();
    const TaskSpec& task = scene_->task();
    const std::vector<std::string>& arms = scene_->info().arms;
    std::vector<ShownShape> shapes;
    for (int i = 0; i < model.ngeom; ++i) {
      const int body = model.geom_bodyid[i];
      ShownShape shape{NameOf(model, mjOBJ_GEOM, i), NameOf(model, mjOBJ_BODY, body), ""};
      shape.instance = body == 0 ? shape.geom : NameOf(model, mjOBJ_BODY, model.body_rootid[body]);
      for (const std::string& arm : arms) {
        if (shape.instance.starts_with(arm + "_")) shape.instance = arm;
      }
      for (const auto& [name, object] : task.objects) {
        const int root = mj_name2id(&model, mjOBJ_BODY, object.body.c_str());
        if (InSubtree(model, body, root)) shape.instance = name;
      }
      shapes.push_back(std::move(shape));
    }
    return shapes;
  }

  const std::shared_ptr<const Scene> nominal_;
  std::shared_ptr<const Scene> scene_;  // of the world that is shown
  RenderOptions options_;
  GlContext gl_;
  std::unique_ptr<mjModel, MujocoDeleter> model_;
  std::unique_ptr<mjData, MujocoDeleter> data_;
  std::optional<ModelLook> look_;
  SceneVariation shown_;
  SceneInventory inventory_;
  mjvOption show_;
  mjvScene drawing_;
  std::array<std::unique_ptr<Canvas>, kTessellations.size()> canvases_;
  std::array<std::unique_ptr<Canvas>, kTessellations.size()> exact_canvases_;
  std::vector<ShownShape> shapes_;
  std::vector<uint8_t> pixels_;
  std::vector<float> depth_;
  int width_ = 0, height_ = 0;  // of the pictures last rendered; 0: none yet
};

}  // namespace

std::unique_ptr<Renderer> MakeRenderer(std::shared_ptr<const Scene> scene,
                                       const RenderOptions& options) {
  Require(scene != nullptr, "a renderer draws a scene");
  InstallMujocoHandlers();
  return std::make_unique<MujocoRenderer>(std::move(scene), options);
}

}  // namespace understudy
