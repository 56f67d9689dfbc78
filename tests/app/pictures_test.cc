// Pictures that plans name: assets of a list, and files of the user's.
#include "augment/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/assets.h"
#include "app/registry.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/video/module.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

std::string Png(int width, int height, uint8_t grey) {
  Image image(width, height);
  image.rgb.assign(image.rgb.size(), grey);
  const std::vector<uint8_t> png = Module<VideoModule>().encode_png(image);
  return {png.begin(), png.end()};
}

// A list of three assets, of which two textures and a photograph of surroundings are there.
class PicturesTest : public testing::Test {
 protected:
  PicturesTest() {
    if (!HasModule(VideoModule::kName)) return;
    AssetList list;
    for (const auto& [name, grey] :
         {std::pair{"wood/oak", 10}, {"wood/pine", 20}, {"metal/tin", 30}, {"sky/hall", 40}}) {
      const std::string png = Png(40, 30, static_cast<uint8_t>(grey));
      list.pictures[name] = {.package = "p", .file = "x/a.png", .hash = ContentHash(png)};
      WriteTextAtomically(Asset(name), png);
    }
    WriteTextAtomically(folder_ / "assets.json", ToJson(list).dump());
  }
  void SetUp() override {
    if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "without libav no pictures are read";
  }
  fs::path Asset(const std::string& name) const {
    const fs::path file = folder_ / "assets" / (name + ".png");
    fs::create_directories(file.parent_path());
    return file;
  }
  fs::path Mine(const std::string& name, const std::string& content) const {
    fs::create_directories(folder_ / "mine");
    WriteTextAtomically(folder_ / "mine" / name, content);
    return folder_ / "mine" / name;
  }
  PictureLibrary Library() const {
    return PictureLibrary(folder_ / "assets.json", folder_ / "assets");
  }
  static std::vector<std::string> Names(const FoundPictures& found) {
    std::vector<std::string> names;
    for (const auto& choice : found.choices) names.push_back(choice.name);
    return names;
  }

  OwnFolder folder_;
};

TEST_F(PicturesTest, PatternsMeanAssetsOrFiles) {
  const PictureLibrary library = Library();
  const FoundPictures wood = library.Find({"wood/*"}, PictureUse::kTexture);
  EXPECT_THAT(wood.problems, IsEmpty());
  EXPECT_THAT(Names(wood), ElementsAre("wood/oak", "wood/pine"));
  EXPECT_THAT(Names(library.Find({"*"}, PictureUse::kTexture)),
              ElementsAre("metal/tin", "wood/oak", "wood/pine"))
      << "surroundings are no textures";
  EXPECT_THAT(Names(library.Find({"sky/*"}, PictureUse::kSky)), ElementsAre("sky/hall"));
  EXPECT_THAT(Names(library.Find({"*/oak", "wood/o*"}, PictureUse::kTexture)),
              ElementsAre("wood/oak"));

  const std::string a = Mine("a.png", Png(8, 8, 1)), b = Mine("b.png", Png(8, 8, 2));
  Mine("notes.txt", "no picture");
  EXPECT_THAT(Names(library.Find({(folder_ / "mine").string()}, PictureUse::kTexture)),
              ElementsAre(a, b));
  const FoundPictures all =
      library.Find({"wood/oak", (folder_ / "mine" / "*.png").string()}, PictureUse::kTexture);
  EXPECT_THAT(all.problems, IsEmpty());
  EXPECT_THAT(Names(all), testing::UnorderedElementsAre(a, b, "wood/oak"));
  const ShownPicture shown = library.Find({a}, PictureUse::kTexture).choices.at(0).load();
  EXPECT_EQ(shown.name, a);
  EXPECT_EQ(shown.hash, PixelHash(*shown.Pixels()));
  EXPECT_EQ(shown.Pixels()->rgb, std::vector<uint8_t>(3 * 64, 1));
}

// What is broken, missing or unknown is told at once, with what to do.
TEST_F(PicturesTest, EveryFaultIsTold) {
  fs::remove(Asset("metal/tin"));
  WriteTextAtomically(Asset("wood/pine"), Png(40, 30, 21));
  Mine("good.png", Png(8, 8, 1));
  const std::string cut = Mine("cut.png", Png(300, 300, 7).substr(0, 60)),
                    text = Mine("text.jpg", "no picture at all");
  const FoundPictures found = Library().Find(
      {"metal/*", "wood/*", "wod/*", (folder_ / "mine").string()}, PictureUse::kTexture);
  EXPECT_THAT(
      found.problems,
      testing::UnorderedElementsAre(
          AllOf(HasSubstr("wood/pine.png: differs from its hash"), HasSubstr("run `make assets`")),
          AllOf(HasSubstr("'wod/*' is neither a name of the list of assets"), HasSubstr("wood/*")),
          HasSubstr(cut), AllOf(HasSubstr(text), HasSubstr("neither a PNG nor a JPEG"))));
  EXPECT_THAT(found.missing, AllOf(HasSubstr("not installed in"), HasSubstr("`make assets`")));
  // once, however many randomizers name pictures
  AugmentPlan plan;
  TextureRandomizer paint;
  paint.images = {"metal/*"};
  plan.randomizers = {{"a", paint}, {"b", paint}};
  FindPictures(Library(), &plan);
  SceneInventory scene;
  scene.textures = {"wood"};
  EXPECT_THAT(Validate(plan, scene), ElementsAre(found.missing));
  EXPECT_THAT(Names(found),
              testing::UnorderedElementsAre("wood/oak", (folder_ / "mine" / "good.png").string()));
  const AssetState state = Library().State();
  EXPECT_EQ(state.listed, 4u);
  EXPECT_EQ(state.installed, 3u);
  EXPECT_THAT(state.wrong, ElementsAre("wood/pine"));
}

// What is written down of a plan says what it chose from.
TEST_F(PicturesTest, ThePlanNamesWhatItFound) {
  AugmentPlan plan;
  TextureRandomizer paint;
  paint.images = {"wood/*"};
  plan.randomizers["paint"] = paint;
  AugmentPlan again = plan;
  FindPictures(Library(), &plan);
  const auto hash = [](const AugmentPlan& of) {
    return std::get<TextureRandomizer>(of.randomizers.at("paint")).images_hash;
  };
  EXPECT_FALSE(hash(plan).empty());
  FindPictures(Library(), &again);
  EXPECT_EQ(hash(again), hash(plan));
  std::get<TextureRandomizer>(again.randomizers.at("paint")).images = {"wood/oak"};
  FindPictures(Library(), &again);
  EXPECT_EQ(hash(again), hash(plan)) << "one that is given stays, and is compared";
  SceneInventory scene;
  scene.textures = {"wood"};
  EXPECT_THAT(Validate(plan, scene), IsEmpty());
  EXPECT_THAT(Validate(again, scene), ElementsAre(HasSubstr("the pictures here are others")));
}

TEST_F(PicturesTest, LargePicturesAreShrunk) {
  const std::string wide = Mine("wide.png", Png(1500, 700, 90));
  const auto texture = Library().Find({wide}, PictureUse::kTexture).choices.at(0).load().Pixels();
  EXPECT_EQ(texture->width, kMaxTextureSide);
  EXPECT_EQ(texture->height, 239);
  EXPECT_EQ(texture->rgb[0], 90);
  const auto sky = Library().Find({wide}, PictureUse::kSky).choices.at(0).load().Pixels();
  EXPECT_EQ(sky->width, 2 * kMaxTextureSide);
  EXPECT_EQ(sky->height, kMaxTextureSide);
}

// A look that was written down is shown where its pictures are the same ones, and only there.
TEST_F(PicturesTest, LooksOfATextFindTheirPictures) {
  const ShownPicture oak = Library().Find({"wood/oak"}, PictureUse::kTexture).choices.at(0).load();
  SceneVariation look;
  look.edits.push_back(TextureEdit{.texture = "t", .image = oak});
  const auto read = [&](const PictureLibrary& library) {
    auto written = FromJson<SceneVariation>(ToJson(look), "look");
    ProvidePictures(library, &written);
    return std::get<TextureEdit>(written.edits.at(0)).image.Pixels();
  };
  EXPECT_EQ(*read(Library()), *oak.Pixels());
  fs::remove(Asset("wood/oak"));
  EXPECT_THAT([&] { read(Library()); },
              ThrowsMessage<Error>(AllOf(HasSubstr("wood/oak"), HasSubstr("`make assets`"))));
  std::get<TextureEdit>(look.edits.at(0)).image.name = Mine("oak.png", Png(40, 30, 11));
  EXPECT_THAT([&] { read(Library()); }, ThrowsMessage<Error>(HasSubstr("has other pixels here")));
}

// The list that ships is whole: names have a family, every package a licence and a version.
TEST(Assets, TheListIsWhole) {
  const auto list =
      FromJson<AssetList>(LoadJson(HomeFolder() / "demo" / "assets.json"), "assets.json");
  EXPECT_GT(list.pictures.size(), 50u);
  std::set<std::string> hashes;
  for (const auto& [name, asset] : list.pictures) {
    EXPECT_EQ(std::count(name.begin(), name.end(), '/'), 1) << name;
    EXPECT_TRUE(list.packages.contains(asset.package)) << name;
    EXPECT_EQ(asset.sha256.size(), 64u) << name;
    EXPECT_EQ(asset.hash.size(), 32u) << name;
    EXPECT_TRUE(hashes.insert(asset.hash).second) << name << " is there twice";
  }
  for (const auto& [name, package] : list.packages) {
    EXPECT_FALSE(package.licence.empty() || package.requirement.empty()) << name;
    EXPECT_EQ(package.kind == "wheel", package.sha256.size() == 64u) << name;
  }
}

// Where they are installed, each is the file of the list and can be shown.
TEST(Assets, InstalledOnesAreShown) {
  const AssetState state = Pictures().State();
  EXPECT_THAT(state.wrong, IsEmpty());
  if (state.installed < state.listed) GTEST_SKIP() << "run `make assets`";
  const FoundPictures textures = Pictures().Find({"*"}, PictureUse::kTexture);
  const FoundPictures skies = Pictures().Find({"*"}, PictureUse::kSky);
  EXPECT_EQ(textures.choices.size() + skies.choices.size(), state.listed);
  std::set<std::string> hashes;
  for (const auto& found : {textures, skies}) {
    EXPECT_THAT(found.problems, IsEmpty());
    for (const auto& choice : found.choices) {
      const ShownPicture picture = choice.load();
      EXPECT_TRUE(hashes.insert(picture.hash).second) << picture.name;
      // not one colour: something was decoded
      const auto pixels = picture.Pixels();
      const auto [low, high] = std::minmax_element(pixels->rgb.begin(), pixels->rgb.end());
      EXPECT_GT(*high - *low, 20) << picture.name;
    }
  }
}

}  // namespace
}  // namespace understudy
