#include "app/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/html.h"
#include "app/registry.h"

namespace understudy {
namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#1f2937;background:#fff;
 max-width:1120px;margin:0 auto;padding:24px 28px 80px}
h1{font-size:30px;margin:8px 0 2px}h2{font-size:20px;margin:44px 0 6px;border-bottom:1px solid #e5e7eb;padding-bottom:6px}
p.lead{color:#4b5563;margin:0 0 18px;max-width:80ch}p{max-width:80ch}
table{border-collapse:collapse;margin:10px 0}th,td{padding:5px 14px 5px 0;text-align:left;vertical-align:middle}
th{font-weight:600;color:#6b7280;font-size:13px}td.n{text-align:right;font-variant-numeric:tabular-nums}
.row{display:flex;flex-wrap:wrap;gap:18px;align-items:flex-start}
svg.plot{background:#fff}svg .grid{stroke:#eef0f3}svg text{font:10px system-ui,sans-serif;fill:#6b7280}
svg text.title{font-size:12px;font-weight:600;fill:#1f2937}
.bar{position:relative;width:300px;height:18px;background:#f3f4f6;border-radius:3px}
.bar i{position:absolute;top:0;bottom:0;left:0;border-radius:3px}
.bar b{position:absolute;top:7px;height:4px;background:#111827;opacity:.75}
.strip{display:flex;flex-wrap:wrap;gap:6px}.strip figure,.video figure{margin:0}
.strip img{width:126px;height:126px;image-rendering:auto;border-radius:4px;display:block}
figcaption{font-size:12px;color:#6b7280;margin-top:2px;max-width:260px}
.video{display:flex;flex-wrap:wrap;gap:14px}video{width:260px;border-radius:4px;background:#000}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin:14px 0}
.card{border:1px solid #e5e7eb;border-radius:8px;padding:10px 16px;min-width:120px}
.card b{display:block;font-size:22px;line-height:1.2}.card span{color:#6b7280;font-size:13px}
details{margin:6px 0}summary{cursor:pointer;color:#374151}
pre{background:#f9fafb;border:1px solid #e5e7eb;border-radius:6px;padding:10px;overflow:auto;font-size:12px;max-height:420px}
.share{width:180px;height:12px;background:#f3f4f6;border-radius:3px;overflow:hidden}.share i{display:block;height:100%}
table.wide{width:100%;max-width:900px}tbody tr:hover{background:#f9fafb}th.n{text-align:right}
h3{font-size:16px;margin:30px 0 6px}
ul.advice{margin:10px 0;padding:0;list-style:none;max-width:90ch}
ul.advice li{border-left:3px solid #d97706;background:#fffbeb;padding:7px 12px;margin:6px 0;border-radius:0 4px 4px 0}
.scroll{max-height:420px;overflow:auto;display:inline-block;padding-right:12px}
code{font-size:13px}a{color:#2563eb;text-decoration:none}
.none{color:#9ca3af}.ok{color:#16a34a}.bad{color:#dc2626}
)";

}  // namespace

std::string BeginPage(const std::string& title, const std::string& lead) {
  std::string html = fmt::format(
      "{0}<meta name=\"viewport\" content=\"width=device-width\"><title>{1}</title>"
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

std::string Percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string ShareBar(double share, const std::string& colour) {
  return fmt::format("<div class=\"share\"><i style=\"width:{:.1f}%;background:{}\"></i></div>",
                     100 * std::clamp(share, 0.0, 1.0), EscapeHtml(colour));
}

std::vector<uint8_t> ReadBytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string VideoTag(const std::vector<uint8_t>& mp4) {
  return fmt::format(
      "<video controls loop muted playsinline preload=\"metadata\" "
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
