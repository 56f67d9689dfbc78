// Models of one MuJoCo in the words of an older one.

#include "data/formats/robosuite/fit_model.h"

#include <gmock/gmock.h>

#include "data/formats/base/mjcf.h"
#include "data/store/hdf5/file.h"
#include "tests/data/foreign_support.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

using namespace store_test;
using mjcf::FitModel;
using mjcf::FittedModel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(FitModel, KeepsWhatTheVersionReadsByteForByte) {
  const std::string text =
      "<?xml version='1.0'?>\n<!-- by hand --><mujoco model='a &amp; b'><option timestep='0.002'/>"
      "<worldbody><body name=\"o\"><freejoint/><geom type=\"box\" size=\".1 .1 .1\"/></body>"
      "</worldbody></mujoco>\n";
  for (const char* version : {"2.3.7", "3.2.3", "4.0.1"}) {
    const FittedModel fitted = FitModel(text, version);
    EXPECT_EQ(fitted.text, text);
    EXPECT_EQ(fitted.version, version);
    EXPECT_THAT(fitted.lost, IsEmpty());
  }
}

TEST(FitModel, SaysTheSameInOlderWordsAndWhatItLeavesOut) {
  const char* text = R"(<mujoco model="stack">
  <compiler angle="radian"/>
  <option impratio="20" ls_iterations="20"><flag autoreset="disable"/></option>
  <default>
    <default class="finger">
      <joint actuatorfrcrange="-5 5" damping="1"/>
      <general input="pos" biastype="affine" gainprm="1000" biasprm="0 -1000"/>
    </default>
  </default>
  <asset>
    <texture type="2d" colorspace="auto" name="wood" builtin="flat" width="8" height="8"/>
    <material name="wood" roughness="0.5"><layer role="rgb" texture="wood"/></material>
  </asset>
  <worldbody>
    <light name="key" type="directional"/>
    <light name="lamp" type="spot"/>
  </worldbody>
</mujoco>)";
  const FittedModel fitted = FitModel(text, "2.3.7");
  EXPECT_EQ(fitted.version, "2.3.7");
  EXPECT_EQ(fitted.text, R"(<mujoco model="stack">
  <compiler angle="radian" autolimits="true" />
  <option impratio="20">
    <flag />
  </option>
  <default>
    <default class="finger">
      <joint damping="1" actuatorforcerange="-5 5" />
      <general biastype="affine" gainprm="1000" biasprm="0 -1000" />
    </default>
  </default>
  <asset>
    <texture type="2d" name="wood" builtin="flat" width="8" height="8" />
    <material name="wood" texture="wood" />
  </asset>
  <worldbody>
    <light name="key" directional="true" />
    <light name="lamp" directional="false" />
  </worldbody>
</mujoco>
)");
  EXPECT_THAT(fitted.lost, ElementsAre("the model's flag autoreset, option ls_iterations: MuJoCo "
                                       "2.3.7 has none of them, physics is nearly the same, not "
                                       "bit for bit",
                                       "the model's material roughness: MuJoCo 2.3.7 has none of "
                                       "them, pictures look a little different"));
  // 3.2.3 knows most of it
  const FittedModel newer = FitModel(text, "3.2.3");
  EXPECT_THAT(newer.text, HasSubstr("ls_iterations"));
  EXPECT_THAT(newer.text, HasSubstr("actuatorfrcrange"));
  EXPECT_THAT(newer.text, Not(HasSubstr("input=")));
  EXPECT_THAT(newer.text, Not(HasSubstr("autolimits")));
}

TEST(FitModel, PutsWhatStandsInFramesIntoTheBodyAround) {
  // a quarter turn about z, twice
  const char* text = R"(<mujoco><worldbody>
<frame pos="1 0 0" quat="1 0 0 1" childclass="c">
  <body name="base"><frame pos="0 1 0"><geom size="1" pos="0 0 2"/></frame></body>
  <frame pos="0 1 0" quat="1 0 0 1"><site name="s" pos="1 0 0"/></frame>
  <light name="l"/>
</frame></worldbody></mujoco>)";
  const FittedModel fitted = FitModel(text, "2.3.7");
  EXPECT_EQ(fitted.version, "2.3.7");
  EXPECT_THAT(fitted.lost, IsEmpty());
  EXPECT_THAT(fitted.text, Not(HasSubstr("frame")));
  EXPECT_THAT(fitted.text, HasSubstr("<geom size=\"1\" pos=\"0 1 2\" quat=\"1 0 0 0\" />"));
  EXPECT_THAT(fitted.text, HasSubstr("<body name=\"base\" childclass=\"c\" pos=\"1 0 0\""));
  // the site: 1 ahead after half a turn, from (0, 1) turned by a quarter and moved
  const size_t at = fitted.text.find("name=\"s\"");
  double p[3], q[4];
  ASSERT_EQ(sscanf(fitted.text.c_str() + at,
                   "name=\"s\" pos=\"%lf %lf %lf\" quat=\"%lf %lf %lf %lf\" class=\"c\"", p, p + 1,
                   p + 2, q, q + 1, q + 2, q + 3),
            7)
      << fitted.text;
  EXPECT_NEAR(p[0], -1, 1e-12);
  EXPECT_NEAR(p[1], 0, 1e-12);
  EXPECT_NEAR(std::abs(q[3]), 1, 1e-12);
  EXPECT_THAT(fitted.text,
              HasSubstr("<light name=\"l\" class=\"c\" pos=\"1 0 0\" dir=\"0 0 -1\" />"));
}

TEST(FitModel, NamesTheVersionThatAModelNeeds) {
  const auto needs = [](const std::string& inside, const std::string& version,
                        const std::string& what) {
    const std::string text = "<mujoco>" + inside + "</mujoco>";
    const FittedModel fitted = FitModel(text, "2.3.7");
    EXPECT_EQ(fitted.text, text) << "not half rewritten";
    EXPECT_EQ(fitted.version, version) << inside;
    ASSERT_EQ(fitted.lost.size(), 1u) << inside;
    EXPECT_THAT(fitted.lost[0], HasSubstr("MuJoCo 2.3.7, which has no " + what));
  };
  needs("<deformable><flex name=\"f\"/></deformable>", "3.2.3", "<deformable>");
  needs("<option ls_iterations=\"5\"/><worldbody><geom type=\"sdf\"/></worldbody>", "3.2.3",
        "geom type=\"sdf\"");
  needs("<actuator><general gaintype=\"dcmotor\"/></actuator>", "4.0.1", "general gaintype");
  needs("<option><flag spring=\"disable\"/></option>", "4.0.1", "flag spring");
  needs("<worldbody><frame euler=\"0 0 1\"><geom size=\"1\"/></frame></worldbody>", "3.2.3",
        "<frame>");
  // a class that places its geoms: absent is not at the origin
  needs(
      "<default><default class=\"c\"><geom pos=\"0 0 1\"/></default></default><worldbody>"
      "<frame pos=\"1 0 0\"><geom class=\"c\" size=\"1\"/></frame></worldbody>",
      "3.2.3", "<frame>");
  needs("<tomorrow/>", "", "<tomorrow>");
}

TEST(FitModel, LeavesWhatIsNoMjcf) {
  for (const char* text : {"", "no model", "<mujoco", "<mujoco><a></mujoco>", "<robot/>",
                           "<mujoco a=1/>", "<mujoco/><mujoco/>"}) {
    const FittedModel fitted = FitModel(text, "2.3.7");
    EXPECT_EQ(fitted.text, text);
    EXPECT_EQ(fitted.version, "");
    EXPECT_EQ(fitted.lost.size(), 1u) << text;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<body>";
  EXPECT_EQ(FitModel(deep, "2.3.7").text, deep);
}

TEST(Mjcf, JointsSayWhatStatesMean) {
  const char* ours = R"(<mujoco model="a &lt; b"><worldbody>
    <body name="arm"><joint name="j" class="c"/><frame><body name="hand"/></frame></body>
    <body name="peg" mocap="true"/><body name="o"><freejoint name="f"/></body>
    <!-- <joint/> --></worldbody><sensor><joint name="no"/></sensor></mujoco>)";
  const std::vector<std::string> joints = mjcf::JointsOf(ours);
  EXPECT_THAT(joints, ElementsAre("/arm j  c", "/o f free "));
  // placed, fitted and written anew
  const Pose X(Eigen::Quaterniond::Identity(), Eigen::Vector3d(1, 2, 3));
  const std::string placed = mjcf::PlaceFixtures(ours, {{"peg", X}});
  EXPECT_THAT(placed, HasSubstr("model=\"a &lt; b\""));
  EXPECT_NE(placed, ours);
  EXPECT_EQ(mjcf::JointsOf(placed), joints);
  EXPECT_EQ(mjcf::JointsOf(FitModel(placed, "2.3.7").text), joints);
  // two objects that changed places, joints in another file, no model
  const char* pair =
      R"(<mujoco><worldbody><body name="%s"><freejoint/></body><body name="%s"><freejoint/></body>)"
      R"(</worldbody></mujoco>)";
  char ab[256], ba[256];
  snprintf(ab, sizeof ab, pair, "a", "b");
  snprintf(ba, sizeof ba, pair, "b", "a");
  EXPECT_NE(mjcf::JointsOf(ab), mjcf::JointsOf(ba));
  for (const char* text : {"", "<mujoco><include file=\"x\"/></mujoco>", "<robot/>",
                           "<mujoco><worldbody><include file=\"x\"/></worldbody></mujoco>"}) {
    EXPECT_THAT(mjcf::JointsOf(text), IsEmpty()) << text;
  }
}

TEST(FitModel, ExportsNameTheVersionAndPlaceFixtures) {
  const Folder folder;
  const EpisodeShape shape = ConvertibleShape();
  DatasetHeader header = ConvertibleHeader(shape);
  header.cameras.clear();
  header.model_text =
      "<mujoco><option ls_iterations=\"20\"/><worldbody><body name=\"peg\" mocap=\"true\"/>"
      "<body name=\"nut\" pos=\"0 0 7\"><freejoint/></body></worldbody></mujoco>";
  header.task = {{"objects", {{"cube0", {{"body", "nut"}}}, {"cube1", {{"body", "peg"}}}}}};
  const Episode episode = ConvertibleEpisode(1, shape);
  {
    DatasetWriter writer(folder / "own.h5", header);
    writer.Append(episode);
    writer.Finish();
  }
  for (const auto& [robosuite, mujoco] :
       {std::pair{RobosuiteVersion::kV14, "2.3.7"}, std::pair{RobosuiteVersion::kV15, "3.2.3"}}) {
    ForeignWriteOptions options;
    options.overwrite = true;
    options.robosuite.version = robosuite;
    Export(&foreign::kRobomimicWriter, folder / "own.h5", folder / "r.hdf5", options,
           Names().For(kRobosuiteFamily));
    const std::unique_ptr<EpisodeSource> written = OpenDataset(folder / "r.hdf5");
    EXPECT_EQ(written->header().settings["env_args"]["mujoco_version"], mujoco);
    const std::string model = written->header().model_text;
    EXPECT_EQ(model.find("ls_iterations") != std::string::npos,
              robosuite == RobosuiteVersion::kV15);
    const Eigen::Vector3d& p = episode.steps[0].observation.X_WO[1].translation();
    const size_t at = model.find("mocap=\"true\" pos=");
    double x = 0;
    ASSERT_NE(at, std::string::npos) << model;
    ASSERT_EQ(sscanf(model.c_str() + at, "mocap=\"true\" pos=\"%lf", &x), 1);
    EXPECT_EQ(x, p.x()) << "exactly where the episode has it";
    EXPECT_THAT(model, HasSubstr("name=\"nut\" pos=\"0 0 7\"")) << "qpos says where it is";
  }
  EXPECT_EQ(OpenDataset(folder / "own.h5")->header().model_text, header.model_text);
  const std::vector<std::string> lost =
      LostIn(foreign::kRobomimicWriter, *OpenDataset(folder / "own.h5"), {}, Translation());
  EXPECT_THAT(lost, testing::Contains(HasSubstr("option ls_iterations: MuJoCo 2.3.7")));
}

// Other programs draw a scene for every episode, and store it there.
TEST(FitModel, EveryEpisodeOfAnotherProgramKeepsItsModel) {
  const Folder folder;
  const EpisodeShape shape = ConvertibleShape();
  DatasetHeader header = ConvertibleHeader(shape);
  header.cameras.clear();
  header.model_text = "<mujoco model=\"first\"/>";
  {
    DatasetWriter writer(folder / "own.h5", header);
    for (uint64_t seed = 1; seed <= 3; ++seed) writer.Append(ConvertibleEpisode(seed, shape));
    writer.Finish();
  }
  const auto export_as = [&](const char* from, const char* to) {
    Export(&foreign::kRobomimicWriter, folder / from, folder / to, {},
           Names().For(kRobosuiteFamily));
  };
  export_as("own.h5", "a.hdf5");
  const char* second =
      "<mujoco model=\"second\"><option timestep=\"0.001\" ls_iterations=\"20\"/></mujoco>";
  {
    Surgeon surgeon(folder / "a.hdf5");
    surgeon.Text("data/demo_1", "model_file", second);
    H5Adelete_by_name(surgeon.id(), "data/demo_2", "model_file", H5P_DEFAULT);
  }
  export_as("a.hdf5", "b.hdf5");
  const h5::Group data = h5::OpenForReading(folder / "b.hdf5").Open("data");
  EXPECT_EQ(data.Open("demo_0").Text("model_file"), header.model_text);
  EXPECT_THAT(data.Open("demo_1").Text("model_file"), HasSubstr("timestep=\"0.001\""));
  EXPECT_THAT(data.Open("demo_1").Text("model_file"), Not(HasSubstr("ls_iterations")))
      << "in the words of MuJoCo 2.3.7";
  EXPECT_FALSE(data.Open("demo_2").HasAttribute("model_file"));
}

// So do ours in worlds of their own, in the words of the other program's MuJoCo.
TEST(FitModel, WorldsOfTheirOwnAreExported) {
  const Folder folder;
  const EpisodeShape shape = ConvertibleShape();
  DatasetHeader header = ConvertibleHeader(shape);
  header.cameras.clear();
  header.model_text = "<mujoco model=\"nominal\"/>";
  {
    DatasetWriter writer(folder / "own.h5", header);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      Episode episode = ConvertibleEpisode(seed, shape);
      if (seed == 2) {
        episode.meta.physics.edits = {MassEdit{"cubeA", 2}};
        episode.meta.model_text =
            "<mujoco model=\"heavy\"><option timestep=\"0.001\" ls_iterations=\"20\"/></mujoco>";
      }
      writer.Append(episode);
    }
    writer.Finish();
  }
  Export(&foreign::kRobomimicWriter, folder / "own.h5", folder / "r.hdf5", {},
         Names().For(kRobosuiteFamily));
  const h5::Group data = h5::OpenForReading(folder / "r.hdf5").Open("data");
  EXPECT_EQ(data.Open("demo_0").Text("model_file"), header.model_text);
  EXPECT_THAT(data.Open("demo_1").Text("model_file"), HasSubstr("timestep=\"0.001\""));
  EXPECT_THAT(data.Open("demo_1").Text("model_file"), Not(HasSubstr("ls_iterations")));
  EXPECT_EQ(data.Open("demo_2").Text("model_file"), header.model_text);
}

}  // namespace
}  // namespace understudy
