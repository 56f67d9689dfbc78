#include "app/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/html.h"
#include "app/registry.h"
#include "data/video/module.h"

namespace understudy {
namespace {

// One set of colours by day and one by night; wide tables and plots scroll or shrink on a phone.
constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--ink:#1f2937;--mild:#4b5563;--faint:#6b7280;--none:#9ca3af;--paper:#fff;
 --soft:#f9fafb;--groove:#f3f4f6;--line:#e5e7eb;--grid:#eef0f3;--mark:#111827;--link:#2563eb;--good:#16a34a;
 --bad:#dc2626;--advice:#fffbeb;--warn:#d97706}
@media (prefers-color-scheme:dark){:root{--ink:#e5e7eb;--mild:#b6bdc8;--faint:#9aa3b0;--none:#7b8494;--paper:#14171c;
 --soft:#1c2027;--groove:#2a2f38;--line:#343a45;--grid:#272c35;--mark:#f3f4f6;--link:#7aa7ff;--good:#4ade80;
 --bad:#f87171;--advice:#2b2415;--warn:#e8a33d}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--paper);
 max-width:1120px;margin:0 auto;padding:24px 28px 80px;overflow-wrap:break-word}
h1{font-size:30px;line-height:1.25;margin:8px 0 2px}
h2{font-size:20px;margin:44px 0 6px;border-bottom:1px solid var(--line);padding-bottom:6px}
p.lead{color:var(--mild);margin:0 0 18px;max-width:80ch}p{max-width:80ch}
table{display:block;max-width:100%;overflow-x:auto;border-collapse:collapse;margin:10px 0;overflow-wrap:normal}
th,td{padding:5px 14px 5px 0;text-align:left;vertical-align:middle}
th{font-weight:600;color:var(--faint);font-size:13px}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.row{display:flex;flex-wrap:wrap;gap:18px;align-items:flex-start}
svg.plot{max-width:100%;height:auto}svg .grid{stroke:var(--grid)}
svg text{font:10px system-ui,sans-serif;fill:var(--faint)}
svg text.title{font-size:12px;font-weight:600;fill:var(--ink)}
svg .empty{fill:var(--soft)}svg .cell{stroke:var(--paper)}svg .frame{fill:none;stroke:var(--line)}
.bar{position:relative;width:min(300px,45vw);height:18px;background:var(--groove);border-radius:3px}
.bar i{position:absolute;top:0;bottom:0;left:0;border-radius:3px}
.bar b{position:absolute;top:7px;height:4px;background:var(--mark);opacity:.75}
.strip{display:flex;flex-wrap:wrap;gap:6px}.strip figure,.video figure{margin:0}
.strip img{width:126px;height:126px;image-rendering:auto;border-radius:4px;display:block}
figcaption{font-size:12px;color:var(--faint);margin-top:2px;max-width:260px}
.video{display:flex;flex-wrap:wrap;gap:14px}
video{width:260px;max-width:100%;border-radius:4px;background:#000;cursor:pointer;display:block}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin:14px 0}
.card{border:1px solid var(--line);border-radius:8px;padding:10px 16px;min-width:120px}
.card b{display:block;font-size:22px;line-height:1.2}.card span{color:var(--faint);font-size:13px}
details{margin:6px 0}summary{cursor:pointer;color:var(--mild)}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:10px;overflow:auto;font-size:12px;max-height:420px}
.share{width:180px;height:12px;background:var(--groove);border-radius:3px;overflow:hidden}.share i{display:block;height:100%}
tbody tr:hover{background:var(--soft)}th.n{text-align:right}
h3{font-size:16px;margin:30px 0 6px}
ul.advice{margin:10px 0;padding:0;list-style:none;max-width:90ch}
ul.advice li,p.notice{border-left:3px solid var(--warn);background:var(--advice);padding:7px 12px;margin:6px 0;border-radius:0 4px 4px 0}
.scroll{max-height:420px;overflow:auto;display:inline-block;max-width:100%;padding-right:12px}
code{font-size:13px}a{color:var(--link);text-decoration:none}
.none{color:var(--none)}.ok{color:var(--good)}.bad{color:var(--bad)}
@media (max-width:640px){body{padding:14px 14px 60px}h1{font-size:24px}.share{width:90px}.card{min-width:0;flex:1 1 40%}
 th,td{white-space:nowrap;padding-right:10px;font-size:13px}}
)";

}  // namespace

std::string BeginPage(const std::string& title, const std::string& lead) {
  std::string html = fmt::format(
      "{0}<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{1}</title>"
      "<style>{2}</style></head><body><h1>{1}</h1>",
      kPageStart, EscapeHtml(title), kStyle);
  if (!lead.empty()) html += fmt::format("<p class=\"lead\">{}</p>", EscapeHtml(lead));
  return html;
}

std::string EndPage() {
  return fmt::format("<p class=\"none\">Understudy {}, program {}</p></body></html>\n",
                     ProgramVersion(), ProgramHash().substr(0, 16));
}

std::string Card(const std::string& value, const std::string& label) {
  return fmt::format("<div class=\"card\"><b>{}</b><span>{}</span></div>", EscapeHtml(value),
                     EscapeHtml(label));
}

std::string Notice(const std::string& text) {
  return fmt::format("<p class=\"notice\">{}</p>", EscapeHtml(text));
}

std::string Percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string ShareBar(double share, const std::string& colour) {
  return fmt::format("<div class=\"share\"><i style=\"width:{:.1f}%;background:{}\"></i></div>",
                     100 * std::clamp(share, 0.0, 1.0), EscapeHtml(colour));
}

std::vector<uint8_t> ReadBytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string ImageTag(const Image& image, const std::string& what) {
  if (!HasModule(VideoModule::kName)) {
    return fmt::format("<p class=\"none\">{}×{} image (built without libav)</p>", image.width,
                       image.height);
  }
  return fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">", EscapeHtml(what),
                     Base64(Module<VideoModule>().encode_png(image)));
}

std::string VideoTag(const std::vector<uint8_t>& mp4) {
  // controls lie over the picture: they are there while it plays
  return fmt::format(
      "<video loop muted playsinline preload=\"metadata\" tabindex=\"0\" "
      "title=\"click or press Enter to play\" onclick=\"if(!this.controls)this.play()\" "
      "onkeydown=\"if(event.key=='Enter'&amp;&amp;this.paused)this.play()\" "
      "onplay=\"this.controls=true\" onpause=\"this.controls=false\" "
      "src=\"data:video/mp4;base64,{}\"></video>",
      Base64(mp4));
}

std::string EmbeddedJson(const std::string& id, const std::string& json) {
  std::string text;
  // what looks like a tag would end the element
  for (const char c : json) text += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>", EscapeHtml(id),
                     text);
}

}  // namespace understudy
