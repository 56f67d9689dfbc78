#pragma once

#include <mujoco/mujoco.h>

#include <vector>

namespace understudy {

// Room in the copy of a model that is drawn: for pictures of another size than its textures have,
// and for a sky where the model has none. The sky is a texture behind the last one: MuJoCo sees it
// only within a WithSky, since the copy's counts and names are those of the model.
class TextureRoom {
 public:
  // Points `varied` at arrays of this, which must live as long as `varied` is drawn.
  TextureRoom(const mjModel& nominal, mjModel* varied);
  TextureRoom(const TextureRoom&) = delete;
  TextureRoom& operator=(const TextureRoom&) = delete;

  // Gives a texture three bytes per pixel and this size, by rows from the first. What was in them
  // before the last Return is still there.
  mjtByte* Take(int texture, int width, int height);
  // Its own size and bytes again.
  void Return(int texture);

  // The texture of the sky, which may be one behind the last.
  int sky() const { return sky_; }
  bool sky_is_own() const { return sky_ < ntex_; }  // the model has one itself

 private:
  struct Slot {
    mjtSize address = 0, bytes = 0;
  };
  const mjModel& nominal_;
  mjModel* varied_;
  int ntex_, sky_;
  std::vector<int> type_, colorspace_, height_, width_, nchannel_;
  std::vector<mjtSize> address_;
  std::vector<mjtByte> pixels_;
  std::vector<Slot> slots_;
};

// While it lives, MuJoCo sees the sky of the model's room among the textures.
class WithSky {
 public:
  WithSky(const TextureRoom& room, mjModel* varied) : varied_(varied), ntex_(varied->ntex) {
    if (!room.sky_is_own()) ++varied_->ntex;
  }
  ~WithSky() { varied_->ntex = ntex_; }
  WithSky(const WithSky&) = delete;
  WithSky& operator=(const WithSky&) = delete;

 private:
  mjModel* varied_;
  mjtSize ntex_;
};

}  // namespace understudy
