#pragma once

#include "app/registry.h"

namespace understudy {

// One entry of the explicit list in commands.cc each.
Command TeleopCommand();
Command MimicCommand();
Command TuneCommand();
Command AugmentCommand();
Command TrainCommand();
Command EvaluateCommand();
Command PredictCommand();
Command ExportPolicyCommand();
Command ServeCommand();
Command DriveCommand();
Command SimulateCommand();
Command BenchInferCommand();
Command RenderCommand();
std::vector<Command> DataCommands();

// A plan file given by name is read over the plan in the options.
struct AugmentPlan;
void ReadPlanFile(const std::string& file, AugmentPlan* plan);

}  // namespace understudy
