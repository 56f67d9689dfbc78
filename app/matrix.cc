#include "app/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <set>

#include "app/references.h"
#include "core/base/error.h"

namespace understudy {
namespace {

constexpr std::string_view kAxis = "matrix.", kAll = ":all";

// One value of an axis; its label is a part of the instance's name.
struct AxisValue {
  std::string axis, label;
  Json value;
};
// What an instance is made for, in the order of its name.
using Row = std::vector<AxisValue>;

const AxisValue* Find(const Row& row, const std::string& axis) {
  const auto found =
      std::find_if(row.begin(), row.end(), [&](const AxisValue& v) { return v.axis == axis; });
  return found == row.end() ? nullptr : &*found;
}

// Whether no axis has one value here and another one there.
bool Agree(const Row& a, const Row& b) {
  return std::all_of(a.begin(), a.end(), [&](const AxisValue& value) {
    const AxisValue* other = Find(b, value.axis);
    return !other || other->label == value.label;
  });
}

// `first`, and what `second` says beyond it.
Row Union(Row first, const Row& second) {
  for (const AxisValue& value : second) {
    if (!Find(first, value.axis)) first.push_back(value);
  }
  return first;
}

std::string DescribeRow(const Row& row) {
  std::vector<std::string> parts;
  for (const AxisValue& value : row) parts.push_back(value.axis + " " + value.label);
  return fmt::format("{}", fmt::join(parts, ", "));
}

class Expansion {
 public:
  explicit Expansion(const Pipeline& pipeline) : pipeline_(pipeline) {}

  ExpandedPipeline Expand(const std::string& name) {
    for (const auto& [step, spec] : pipeline_.steps) RowsOf(step);
    if (problems_.empty()) {
      for (const auto& [step, spec] : pipeline_.steps) Place(step, spec);
    }
    if (!problems_.empty()) {
      ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems_, "; ")));
    }
    result_.pipeline.name = pipeline_.name;
    result_.pipeline.title = pipeline_.title;
    result_.pipeline.description = pipeline_.description;
    result_.pipeline.out = pipeline_.out;
    for (const std::string& step : pipeline_.order) {
      const auto found = result_.instances.find(step);
      if (found == result_.instances.end()) {
        result_.pipeline.order.push_back(step);  // CheckPipeline says that there is no such step
        continue;
      }
      result_.pipeline.order.insert(result_.pipeline.order.end(), found->second.begin(),
                                    found->second.end());
    }
    return std::move(result_);
  }

 private:
  void Complain(const std::string& step, const std::string& what) {
    problems_.push_back(fmt::format("steps.{}: {}", step, what));
  }

  // The values of one axis, as the file gives them.
  std::vector<AxisValue> ReadAxis(const std::string& step, const std::string& axis,
                                  const Json& values) {
    static const std::regex word("[A-Za-z0-9_.+-]+");
    std::vector<AxisValue> read;
    const auto add = [&](const std::string& label, const Json& value) {
      if (!std::regex_match(label, word)) {
        Complain(step, fmt::format("matrix.{}: '{}' is part of a file name: letters, digits and "
                                   "'_.+-' only; give values names: `{}: {{name: value}}` "
                                   "in the place of a list",
                                   axis, label, axis));
        return;
      }
      const auto [known, is_new] = labels_.try_emplace(axis + " " + label, value);
      if (!is_new && known->second != value) {
        Complain(step, fmt::format("matrix.{}: {} is {} here and {} in another step", axis, label,
                                   value.dump(), known->second.dump()));
      }
      const bool twice = std::any_of(read.begin(), read.end(),
                                     [&](const AxisValue& v) { return v.label == label; });
      if (twice) Complain(step, fmt::format("matrix.{}: {} is listed twice", axis, label));
      read.push_back({axis, label, value});
    };
    if (values.is_object()) {
      for (const auto& [label, value] : values.items()) add(label, value);
    } else if (values.is_array()) {
      for (const Json& value : values) {
        if (value.is_structured() || value.is_null()) {
          Complain(step,
                   fmt::format("matrix.{}: {} needs a name: `{}: {{name: value}}` in the place of "
                               "a list",
                               axis, value.dump(), axis));
          continue;
        }
        add(value.is_string() ? value.get<std::string>() : value.dump(), value);
      }
    } else {
      add(values.is_string() ? values.get<std::string>() : values.dump(), values);
    }
    if (read.empty() && values.empty())
      Complain(step, fmt::format("matrix.{}: has no values", axis));
    return read;
  }

  // The combinations of a step's own matrix; one empty row where it has none.
  std::vector<Row> OwnRows(const std::string& step, const Json& matrix) {
    if (matrix.is_null()) return {{}};
    const Json products = matrix.is_array() ? matrix : Json::array({matrix});
    std::vector<Row> rows;
    for (const Json& product : products) {
      if (!product.is_object() || product.empty()) {
        Complain(step, fmt::format("matrix: {} is not a list of values for each axis, such as "
                                   "{{seed: [1, 2, 3]}}",
                                   product.dump()));
        continue;
      }
      std::vector<Row> made{{}};
      for (const auto& [axis, values] : product.items()) {
        std::vector<Row> longer;
        const std::vector<AxisValue> read = ReadAxis(step, axis, values);
        for (const Row& row : made) {
          for (const AxisValue& value : read) longer.push_back(Union(row, {value}));
        }
        made = std::move(longer);
      }
      rows.insert(rows.end(), made.begin(), made.end());
    }
    return rows;
  }

  // Steps that a step reads one instance of.
  std::vector<std::string> SingleInputs(const PipelineStep& spec) const {
    std::vector<std::string> inputs;
    for (const std::string& input : InputsOf(spec)) {
      if (!input.starts_with(kAxis) && !input.ends_with(kAll) && pipeline_.steps.contains(input)) {
        inputs.push_back(input);
      }
    }
    return inputs;
  }

  // What the instances of a step are made for: its own matrix, joined with the rows of its inputs.
  const std::vector<Row>& RowsOf(const std::string& step) {
    if (const auto found = rows_.find(step); found != rows_.end()) return found->second;
    rows_[step] = {{}};  // a circle of steps is found by CheckPipeline
    const PipelineStep& spec = pipeline_.steps.at(step);
    std::vector<Row> rows = OwnRows(step, spec.matrix);
    for (const std::string& input : SingleInputs(spec)) {
      const std::vector<Row> of_input = RowsOf(input);
      std::vector<Row> joined;
      for (const Row& row : rows) {
        const size_t before = joined.size();
        for (const Row& other : of_input) {
          // the name begins with what the input was made for
          if (Agree(row, other)) joined.push_back(Union(other, row));
        }
        if (joined.size() == before) {
          Complain(step, fmt::format("there is no '{}' with {}", input, DescribeRow(row)));
        }
      }
      rows = std::move(joined);
    }
    return rows_[step] = std::move(rows);
  }

  static std::string InstanceName(const std::string& step, const Row& row) {
    std::string name = step;
    for (const AxisValue& value : row) name += "_" + value.label;
    return name;
  }

  // `json` with the values of the axes and the names of the instances that are read.
  Json Fill(const Json& json, const std::string& step, const Row& row) {
    if (json.is_object()) {
      Json filled = Json::object();
      for (const auto& [key, value] : json.items()) filled[key] = Fill(value, step, row);
      return filled;
    }
    if (json.is_array()) {
      Json filled = Json::array();
      for (const Json& item : json) {
        const std::string whole =
            item.is_string() ? WholeReference(item.get<std::string>()) : std::string();
        if (!whole.ends_with(kAll)) {
          filled.push_back(Fill(item, step, row));
          continue;
        }
        for (const std::string& instance : AllOf(whole, step, row)) {
          filled.push_back("${" + instance + "}");
        }
      }
      return filled;
    }
    if (!json.is_string()) return json;
    const std::string text = json.get<std::string>(), whole = WholeReference(text);
    if (whole.starts_with(kAxis)) {
      const AxisValue* value = AxisOf(whole, step, row);
      return value ? value->value : Json();
    }
    return FillText(text, step, row);
  }

  std::string FillText(const std::string& text, const std::string& step, const Row& row) {
    return ReplaceReferences(text, [&](const std::string& name) -> std::string {
      if (name.starts_with(kAxis)) {
        const AxisValue* value = AxisOf(name, step, row);
        return value ? value->label : "";
      }
      if (name.ends_with(kAll)) {
        Complain(step, fmt::format("'{}' stands for several outputs: it must be an item of a list",
                                   name));
        return "";
      }
      if (!pipeline_.steps.contains(name)) return "${" + name + "}";  // CheckPipeline says so
      for (const Row& other : rows_.at(name)) {
        if (Agree(row, other)) return "${" + InstanceName(name, other) + "}";
      }
      return "";  // RowsOf has complained
    });
  }

  const AxisValue* AxisOf(const std::string& reference, const std::string& step, const Row& row) {
    const std::string axis = reference.substr(kAxis.size());
    const AxisValue* found = Find(row, axis);
    if (!found) {
      std::vector<std::string> axes;
      for (const AxisValue& value : row) axes.push_back(value.axis);
      Complain(step, UnknownName("axis", axis, axes));
    }
    return found;
  }

  std::vector<std::string> AllOf(const std::string& reference, const std::string& step,
                                 const Row& row) {
    const std::string name = reference.substr(0, reference.size() - kAll.size());
    std::vector<std::string> instances;
    if (!pipeline_.steps.contains(name)) return {name};  // CheckPipeline says so
    for (const Row& other : rows_.at(name)) {
      if (Agree(row, other)) instances.push_back(InstanceName(name, other));
    }
    if (instances.empty()) {
      Complain(step, fmt::format("there is no '{}' with {}", name, DescribeRow(row)));
    }
    return instances;
  }

  void Place(const std::string& step, const PipelineStep& spec) {
    for (const Row& row : rows_.at(step)) {
      const std::string name = InstanceName(step, row);
      PipelineStep instance = spec;
      instance.matrix = nullptr;
      instance.with = Fill(spec.with, step, row);
      instance.policy = FillText(spec.policy, step, row);
      instance.condition = FillText(spec.condition, step, row);
      if (!result_.pipeline.steps.emplace(name, instance).second) {
        Complain(step, fmt::format("two steps would be '{}'", name));
      }
      result_.instances[step].push_back(name);
    }
  }

  const Pipeline& pipeline_;
  ExpandedPipeline result_;
  std::map<std::string, std::vector<Row>> rows_;
  std::map<std::string, Json> labels_;  // "axis label" -> value
  std::vector<std::string> problems_;
};

}  // namespace

ExpandedPipeline ExpandMatrix(const Pipeline& pipeline, const std::string& name) {
  return Expansion(pipeline).Expand(name);
}

}  // namespace understudy
