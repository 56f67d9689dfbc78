#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/image/image.h"

namespace understudy {

// What the pages of reports are made of. Texts are escaped by the functions that take them; `html`
// is not.

// The first bytes of every page: files without them are not ours, and never replaced.
inline constexpr std::string_view kPageStart =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"generator\" content=\"Understudy\">";
// Start of a self-contained page: head, style, heading and a paragraph below it (none if empty).
std::string BeginPage(const std::string& title, const std::string& lead);
// Version line and end of the page.
std::string EndPage();

// A number with its label in a box; stands in a <div class="cards">.
std::string Card(const std::string& value, const std::string& label);
// A paragraph that stands out: what the reader must know before the numbers.
std::string Notice(const std::string& text);
std::string Percent(double share);
// A bar that is filled to `share` of its length, in a CSS colour.
std::string ShareBar(double share, const std::string& colour);

// All of a file; empty where it cannot be read.
std::vector<uint8_t> ReadBytes(const std::filesystem::path& file);

// A picture as an element, or a line that says why there is none; `what` it shows, in words.
std::string ImageTag(const Image& image, const std::string& what = "");

// An MP4 file in memory as an element that plays it.
std::string VideoTag(const std::vector<uint8_t>& mp4);

// A JSON value in an element that scripts find by `id`; browsers do not show it.
std::string EmbeddedJson(const std::string& id, const std::string& json);

}  // namespace understudy
