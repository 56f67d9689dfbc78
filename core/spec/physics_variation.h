#pragma once

#include <Eigen/Geometry>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "core/spec/composed_parts.h"

namespace understudy {

// One change of how the world behaves or of where it stands, from the nominal world. States and
// actions of one world are not those of another: whatever is recorded is recorded in its own world.
// Names are those of PhysicsInventory.

// Geometry of an object of the task, about its origin, in every direction alike: its mass grows
// with the cube of the factor, its inertia with the fifth power. It starts as much higher as its
// origin stands over what it rests on.
struct ObjectSizeEdit {
  static constexpr const char* kTag = "object_size";
  static constexpr Limits kAllowed{0.1, 10};
  std::string object;
  double factor = 1;
  template <class V>
  void Visit(V& v) {
    v("object", object, "name");
    v("factor", factor, "of every length", kAllowed);
  }
};

// Height of a body that stands in the world, and of everything that the task places.
struct TableHeightEdit {
  static constexpr const char* kTag = "table_height";
  std::string body;
  double shift = 0;
  template <class V>
  void Visit(V& v) {
    v("body", body, "name");
    v("shift", shift, "m, up", Limits{-2, 2});
  }
};

struct RobotMountEdit {
  static constexpr const char* kTag = "robot_mount";
  std::string arm;
  Pose X_WB;
  template <class V>
  void Visit(V& v) {
    v("arm", arm, "name");
    v("base", X_WB, "where it stands");
  }
};

// Mass and inertia of a body together.
struct MassEdit {
  static constexpr const char* kTag = "mass";
  static constexpr Limits kAllowed{1e-3, 1e3};
  std::string body;
  double factor = 1;
  template <class V>
  void Visit(V& v) {
    v("body", body, "name");
    v("factor", factor, "of mass and inertia", kAllowed);
  }
};

struct CentreOfMassEdit {
  static constexpr const char* kTag = "centre_of_mass";
  std::string body;
  Eigen::Vector3d shift = Eigen::Vector3d::Zero();
  template <class V>
  void Visit(V& v) {
    v("body", body, "name");
    v("shift", shift, "m, in its frame", Limits{-1, 1});
  }
};

struct FrictionEdit {
  static constexpr const char* kTag = "friction";
  static constexpr Limits kAllowed{0, 100};
  std::string geom;
  double sliding = 1;
  template <class V>
  void Visit(V& v) {
    v("geom", geom, "name");
    v("sliding", sliding, "coefficient", kAllowed);
  }
};

struct JointDampingEdit {
  static constexpr const char* kTag = "joint_damping";
  static constexpr Limits kAllowed{0, 1e6};
  std::string joint;
  double damping = 0;
  template <class V>
  void Visit(V& v) {
    v("joint", joint, "name");
    v("damping", damping, "Nm s/rad or N s/m", kAllowed);
  }
};

// Of a motor what it turns a command into; of a servo its stiffness.
struct ActuatorGainEdit {
  static constexpr const char* kTag = "actuator_gain";
  static constexpr Limits kAllowed{0, 1e9};
  std::string actuator;
  double gain = 1;
  template <class V>
  void Visit(V& v) {
    v("actuator", actuator, "name");
    v("gain", gain, "force or torque per unit of the command", kAllowed);
  }
};

// For this long after the beginning of a policy step all actuators keep their last commands.
struct ActuatorDelayEdit {
  static constexpr const char* kTag = "actuator_delay";
  double seconds = 0;
  template <class V>
  void Visit(V& v) {
    v("seconds", seconds, "s, less than a policy step", Limits{0, 1});
  }
};

// Posture that an arm starts from, before the robot's own noise. The one that its controller leans
// to stays.
struct StartPostureEdit {
  static constexpr const char* kTag = "start_posture";
  std::string arm;
  std::vector<double> q;
  template <class V>
  void Visit(V& v) {
    v("arm", arm, "name");
    v("q", q, "rad, of all its joints");
  }
};

// The ranges of x and y in which an object starts, about their middle.
struct ResetRangeEdit {
  static constexpr const char* kTag = "reset_range";
  std::string object;
  double factor = 1;
  template <class V>
  void Visit(V& v) {
    v("object", object, "name");
    v("factor", factor, "of the ranges of x and y", Limits{0, 100});
  }
};

// Normal noise on what is observed, new in every policy step, a function of `seed` and the time.
// What is true, success too, stays exact.
struct ObservationNoiseEdit {
  static constexpr const char* kTag = "observation_noise";
  double hand_position = 0, hand_rotation = 0, joints = 0;  // standard deviations: m, rad, rad
  double object_position = 0;
  uint64_t seed = 0;
  template <class V>
  void Visit(V& v) {
    v("hand_position", hand_position, "m", Limits{0, 1});
    v("hand_rotation", hand_rotation, "rad", Limits{0, 3});
    v("joints", joints, "rad", Limits{0, 3});
    v("object_position", object_position, "m", Limits{0, 1});
    v("seed", seed, "of the noise");
  }
};

// Another instance of an object: a shape that fills the box of its geometry, with its mass,
// friction and colour.
struct ObjectShapeEdit {
  static constexpr const char* kTag = "object_shape";
  std::string object;
  BlockShape shape = BlockShape::kBox;
  template <class V>
  void Visit(V& v) {
    v("object", object, "name");
    v("shape", shape, "box, cylinder, cross or frame");
  }
};

// Something that stands in the world and does not move: body `fixture_<name>`.
struct FixtureEdit {
  static constexpr const char* kTag = "fixture";
  std::string fixture;
  FixtureKind kind = FixtureKind::kBox;
  Pose X_WF;  // middle of its foot; its front faces along x
  Eigen::Vector3d size = Eigen::Vector3d::Constant(0.1);
  std::string material;
  Eigen::Vector3d rgb = Eigen::Vector3d::Constant(0.7);
  template <class V>
  void Visit(V& v) {
    v("fixture", fixture, "its name");
    v("kind", kind, "box, wall, counter, shelf or cabinet");
    v("place", X_WF, "of the middle of its foot; x is where its front faces");
    v("size", size, "m: depth, width, height", Limits{0.001, 20});
    v("material", material, "of the scene; empty: the colour");
    v("rgb", rgb, "colour", Limits{0, 1});
  }
};

// Something that lies loose and that the task does not ask for: body `clutter_<name>`. Where is
// drawn with every start, after the task's objects, so that these start as without it: by rejection
// on the top of `on`, `clearance` from objects and from the straight ways between them, touching
// nothing else and hiding no object from a camera of the task that stands still.
struct DistractorEdit {
  static constexpr const char* kTag = "distractor";
  std::string thing;
  ThingKind kind = ThingKind::kBlock;
  Eigen::Vector3d size = Eigen::Vector3d::Constant(0.05);
  Eigen::Vector3d rgb = Eigen::Vector3d::Constant(0.7);
  double mass = 0.1;
  std::string on = "table";
  double clearance = 0.04;
  std::vector<Relation> relations;
  template <class V>
  void Visit(V& v) {
    v("thing", thing, "its name");
    v("kind", kind, "block, can, mug, carton, bottle, bowl, plate or book");
    v("size", size, "m, of the box that it fills", Limits{0.001, 2});
    v("rgb", rgb, "colour", Limits{0, 1});
    v("mass", mass, "kg", Limits{1e-4, 100});
    v("on", on, "body that stands in the world");
    v("clearance", clearance, "m from objects and the ways between them", Limits{0, 1});
    v("relations", relations, "that hold at the start");
  }
};

// In this order they are applied, whatever their order in a variation.
using PhysicsEdit =
    std::variant<ObjectSizeEdit, TableHeightEdit, RobotMountEdit, MassEdit, CentreOfMassEdit,
                 FrictionEdit, JointDampingEdit, ActuatorGainEdit, ActuatorDelayEdit,
                 StartPostureEdit, ResetRangeEdit, ObservationNoiseEdit, ObjectShapeEdit,
                 FixtureEdit, DistractorEdit>;

// What it changes: "mass of 'cubeA'". No world has two edits of the same.
std::string PartOf(const PhysicsEdit& edit);

// A world: edits of the nominal one. Label-unsafe by construction, as SceneVariation is label-safe:
// no edit of one kind has a place in the other. Empty = nominal.
struct PhysicsVariation {
  std::vector<PhysicsEdit> edits;
  template <class V>
  void Visit(V& v) {
    v("edits", edits, "applied to the nominal world");
  }
};

// Throws Error(kBadInput) for any world but the nominal one; `who` shows or simulates no other.
void RequireNominal(const PhysicsVariation& variation, const std::string& who);

// What of a world can be varied, with its nominal values.
struct PhysicsInventory {
  struct Geom {
    std::string name;
    double sliding = 1;
  };
  struct Body {
    std::string name;
    double mass = 0;  // kg
  };
  struct Joint {
    std::string name;
    double damping = 0;
  };
  struct Actuator {
    std::string name;
    double gain = 1;
  };
  struct Object {
    std::string name;
    std::string fixed_size;   // why its size cannot be varied; empty: it can
    std::string fixed_shape;  // likewise its shape
    bool ranged = false;      // some variant places it in a range
  };
  struct Arm {
    std::string name;
    Pose X_WB;
    std::vector<double> home;                       // rad
    std::vector<std::pair<double, double>> limits;  // of its joints; may be infinite
  };
  std::vector<Geom> geoms;    // that things touch
  std::vector<Body> bodies;   // that move
  std::vector<Joint> joints;  // hinges and slides
  std::vector<Actuator> actuators;
  std::vector<Object> objects;
  std::vector<Arm> arms;
  struct Camera {
    std::string name;
    Eigen::Vector3d p_W;
  };
  std::vector<std::string> stands;            // bodies that stand in the world and can be touched
  std::vector<std::string> materials;         // of the scene
  std::vector<Camera> cameras;                // of the task, that stand still
  std::vector<Eigen::AlignedBox3d> solids_W;  // around what stands and can be touched, and the arms
                                              // at home
  Eigen::AlignedBox3d working_W;              // around all that the task places, and room above it;
                                              // may be empty
  double policy_step = 0, physics_step = 0;   // s
};

}  // namespace understudy
