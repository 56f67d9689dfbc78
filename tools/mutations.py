"""One-line faults in the rules that matter, for tools/mutate.py.

Each entry: file, text (one line or a part of one, once in the file), what takes its place, test
program, --gtest_filter. A fault that no test notices is a missing test. Where a line moves or
changes, its entry follows: `tools/mutate.py --check` (a test of `make test`) says which do not.
"""

_GROUPS = [
    # file, test program, filter, [(text, replacement), ...]
    ("core/geometry/pose.cc", "core_test", "*", [
        ("return Pose(q_ * X_BC.q_, q_ * X_BC.p_ + p_);", "return Pose(q_ * X_BC.q_, X_BC.p_ + p_);"),
        ("return Pose(q_BA, -(q_BA * p_));", "return Pose(q_BA, q_BA * p_);"),
        ("const double sign = q.w() < 0 ? -1 : 1;", "const double sign = 1;"),
        ("const double half = 0.5 * angle;", "const double half = angle;"),
        ("twist.head<3>() = X.translation() - 0.5 * W * X.translation()",
         "twist.head<3>() = X.translation() + 0.5 * W * X.translation()"),
        ("const double b = tiny ? 0.5 - a2 / 24 : (1 - std::cos(angle)) / a2;",
         "const double b = 0.5 - a2 / 24;"),
        ("if (std::abs(norm - 1) > 1e-15) q_.coeffs() /= norm;", "q_.coeffs() /= norm;"),
        ("return Pose(X_AB0.rotation() * RotationExp(fraction * arc),",
         "return Pose(RotationExp(fraction * arc) * X_AB0.rotation(),"),
    ]),
    ("core/base/rng.cc", "core_test", "*", [
        ("for (int round = 0; round < 10; ++round) {", "for (int round = 0; round < 9; ++round) {"),
        ("if (value >= threshold) return value % count;", "return value % count;"),
        ("const double u = 1 - Uniform();", "const double u = Uniform() / 2;"),
        ("low + static_cast<int64_t>(UniformInt(static_cast<uint64_t>(high - low) + 1));",
         "low + static_cast<int64_t>(UniformInt(static_cast<uint64_t>(high - low)));"),
    ]),
    ("core/base/statistics.cc", "core_test", "*", [
        ("const double center = (rate + z * z / (2 * n)) / shrink;",
         "const double center = rate / shrink;"),
        ("for (int64_t i = 0; i <= least; ++i) {", "for (int64_t i = 0; i < least; ++i) {"),
        ("return std::min(1.0, 2 * tail);", "return std::min(1.0, tail);"),
    ]),
    ("core/base/shard.cc", "core_test", "*", [
        ("shard.index >= shard.count) {", "shard.index > shard.count) {"),
        ("return {(*id - first) / step, Environment(", "return {*id / step, Environment("),
    ]),
    ("core/base/ordered_pool.h", "core_test", "*", [
        ("stop || next_to_start < next_to_consume + window;", "stop || next_to_start <= next_to_consume + window;"),
    ]),
    ("core/motion/limiter.cc", "core_test:teleop_test", "*", [
        ("AngleBetween(last_.rotation(), X_WE_wanted.rotation()) > options_.reject_angle",
         "AngleBetween(last_.rotation(), X_WE_wanted.rotation()) > 2 * options_.reject_angle"),
        ("p = bounds.p_WB + bounds.reach / distance * from_base;",
         "p = bounds.reach / distance * from_base;"),
        ("box.linear *= 0.999;", "box.linear *= 1.001;"),
        ("step *= speed * dt / length;", "step *= speed / length;"),
        ("if (turned_less) q = RotationExp(turn) * last_.rotation();",
         "if (turned_less) q = last_.rotation() * RotationExp(turn);"),
        ("if (const double size = more.norm(); size > change) more *= change / size;", ""),
        ("step = radius / to.norm() * to - last_from_base;", ""),
        ("const double dt = std::clamp(dt_s, 1e-4, 0.1);", "const double dt = dt_s;"),
    ]),
    ("core/motion/posture_guard.cc", "core_test:teleop_test:sim_test", "*", [
        ("if (used <= 0 || room - used >= margin) return;", "if (room - used >= margin) return;"),
        ("damp(kinematics_.upper()[i] - q[i] - stop, dq[i], stop);", ""),
        ("damp(options_.lead - now, std::abs(way.dot(then)) - now, options_.lead / 4);", ""),
    ]),
    ("core/motion/filter.cc", "core_test:teleop_test", "*", [
        ("return 1 / (1 + tau / dt_s);", "return 1 / (1 + tau * dt_s);"),
        ("const double b = Alpha(options_.cutoff + options_.angular_beta * turn_, dt_s);",
         "const double b = Alpha(options_.cutoff + options_.linear_beta * turn_, dt_s);"),
        ("if (!options_.enabled) return value_ = last_ = X_WE_wanted;", ""),
    ]),
    ("core/episode/action.cc", "core_test:mimic_test:data_test", "*", [
        ("delta.value.head<6>() = wanted.cwiseMax(-1).cwiseMin(1);", "delta.value.head<6>() = wanted;"),
        ("RotationLog(target.X_WE_cmd.rotation() * X_WE.rotation().conjugate()) / limits.angular;",
         "RotationLog(X_WE.rotation().conjugate() * target.X_WE_cmd.rotation()) / limits.angular;"),
        ("X_WE.translation() + limits.linear * delta.head<3>());",
         "X_WE.translation() + limits.angular * delta.head<3>());"),
    ]),
    ("core/episode/motion.cc", "core_test:data_test", "*", [
        ("squares_ += ((p_W - last_[2] - 3 * (last_[0] - last_[1])) * cubed_rate_).squaredNorm();",
         "squares_ += ((p_W - last_[2] - 2 * (last_[0] - last_[1])) * cubed_rate_).squaredNorm();"),
        ("if (a.arms[i].gripper != b.arms[i].gripper) return false;", ""),
    ]),
    ("serve/drive/drive_control.cc", "drive_test", "DriveTest.*", [
        ("if (state_ == State::kHolding && fresh && may_move && !ending) Start(now);",
         "if (state_ == State::kHolding && fresh && !ending) Start(now);"),
        ("} else if (!may_move) {", "} else if (false) {"),
        ("} else if (!fresh) {", "} else if (false) {"),
        ("if (run != run_ || state_ != State::kMoving) return false;", ""),
        ("guards_[a].SetPace(pace);", ""),
        ("const double pace = options_.start_pace + (1 - options_.start_pace) * std::min(1.0, begun);",
         "const double pace = 1;"),
        ("StayNear(now);", ""),
        ("if (rests) state_ = State::kHolding;", "state_ = State::kHolding;"),
        ("state_ == State::kMoving && has_chunk_ && !player_.Reaches()", "false"),
    ]),
    ("serve/drive/drive_trial.cc", "drive_test", "DriveTest.*", [
        ("if (!shadow_) parts_.robot.Send(command);", "parts_.robot.Send(command);"),
        ("if (late_ns > std::llround(1e9 * kCatchUp * dt_)) shifted_ns_ += late_ns;", ""),
        ("if (!keys_.held) armed_ = true;", "armed_ = true;"),
        ("if (control_.started()) {", "if (true) {"),
        ("if (Age(now) > options_.lost)", "if (false)"),
    ]),
    ("sim/kinematics.cc", "sim_test", "*GuardedArms*:*InsideItself*", [
        ("if (link || (hand && base)) return false;", ""),
    ]),
    ("serve/drive/inference.cc", "drive_test", "InferenceTest.*", [
        ("if (answer->picture_age_s > picture_age_s_) {", "if (false) {"),
    ]),
    ("serve/robots/feetech_bus.cc", "drive_test", "FeetechBus.*", [
        ("Checksum(packet.substr(0, bytes + 3)) == Byte(packet, bytes + 3)", "true"),
        ("if (const int error = Byte(packet, 2)) {", "if (const int error = 0) {"),
    ]),
    ("serve/robots/feetech_arm.cc", "control_test", "FeetechArmTest.*", [
        ("return (ticks - middle()) * 360 / kTicksPerTurn;", "return ticks * 360 / kTicksPerTurn;"),
        ("if (offset != motor.homing_offset) {", "if (false) {"),
        ("bus_.Write(motor.id, kGoalPosition, 2, ToSignMagnitude(ticks, kPositionSign));", ""),
        ("for (size_t i = 0; i < joints_ && !shadow; ++i) RequireInside(motors_[i], ticks_[i]);", ""),
        ("return std::clamp(2 * closed - 1, -1.0, 1.0);", "return std::clamp(1 - 2 * closed, -1.0, 1.0);"),
    ]),
    ("serve/ros2/joint_board.cc", "ros2_test", "JointBoard.*:CapturedNs.*", [
        ("if (!std::isfinite(message.positions[place])) {", "if (false) {"),
        ("if (other) joint.disputed_ns = message.arrival_ns;", ""),
        ("for (const Joint& joint : joints_) oldest = std::min(oldest, joint.captured_ns);",
         "for (const Joint& joint : joints_) oldest = joint.captured_ns + 5;"),
        ("return arrival_ns - std::max<int64_t>(0, age_ns);", "return arrival_ns;"),
        ("if (age_ns < -kSkewNs) {", "if (false) {"),
        ("if (!repeated) taken.emplace_back(&joint, place);", "taken.emplace_back(&joint, place);"),
    ]),
    ("serve/ros2/joint_map.cc", "ros2_test", "JointMap.*", [
        ("arm->joint_q[i] = SignOf(joint) * (board.position(first + joint) - ZeroOf(joint));",
         "arm->joint_q[i] = SignOf(joint) * board.position(first + joint) - ZeroOf(joint);"),
        ("return std::clamp(2 * closed - 1, -1.0, 1.0);", "return std::clamp(1 - 2 * closed, -1.0, 1.0);"),
        ("if (own_gripper()) topics.push_back(options_.gripper.command.topic);", ""),
    ]),
    ("serve/ros2/ros2_cameras.cc", "ros2_test", "Ros2RobotTest.*", [
        ("const bool repeated = stamp_ns != 0 && camera.stamp_ns == stamp_ns;", "const bool repeated = false;"),
    ]),
    ("serve/ros2/picture.cc", "ros2_test", "Picture.*", [
        ("if (picture.encoding == \"bgr8\") {", "if (false) {"),
        ("if (picture.step < 3 * picture.width || bytes < picture.step * picture.height) {", "if (false) {"),
    ]),
    ("serve/ros2/ros2_robot.cc", "ros2_test", "Ros2RobotTest.*:Ros2TrialTest.*", [
        ("if (sent_ && !Unheard().empty()) return false;", ""),
        ("std::string why = shadow ? \"\" : Unheard();", "std::string why;"),
        ("const double reach_s = options.reach_s > 0 ? options.reach_s : 1 / info_.control_hz;",
         "const double reach_s = 1;"),
        ("RequireOwnJoints(maps);", ""),
        ("arms_[a].map.RequireInRange(reading->observation.arms[a].joint_q, *arms_[a].kinematics);", ""),
    ]),
    ("serve/ros2/dds_node.cc", "ros2_test", "Ros2RobotTest.*", [
        ("return \"rt\" + topic;", "return topic;"),
        ("if (domain) return *domain;", "if (domain) return 0;"),
        ("const Qos qos = MakeQos(DDS_RELIABILITY_BEST_EFFORT, depth);",
         "const Qos qos = MakeQos(DDS_RELIABILITY_RELIABLE, depth);"),
    ]),
    ("serve/robot_messages.cc", "serve_test", "RobotProtocolTest.*:WireRobot.*", [
        ("if (age_s < 0) {", "if (false) {"),
        ("if (!values.allFinite()) {", "if (false) {"),
    ]),
    ("core/motion/chunk_player.cc", "core_test", "ChunkPlayer.*", [
        ("const auto at = static_cast<size_t>(step - chunk.observed);",
         "const auto at = static_cast<size_t>(step - chunk.observed > 0);"),
        ("return one.due <= step;", "return true;"),
        ("if (!chunks_.empty() && observed <= chunks_.back().observed) return;", ""),
        ("return newest && step_ < End(*newest);", "return newest;"),
        ("rotation += (q.dot(first) < 0 ? -weight : weight) * q;", "rotation += weight * q;"),
        ("const auto lasts = static_cast<int64_t>(chunk.size()) - options_.delay;",
         "const auto lasts = static_cast<int64_t>(1) << 40;"),
    ]),
    ("core/base/hash.cc", "core_test:data_test", "*", [
        ("Add(&size, sizeof(size));", ""),
    ]),
    # ---- data
    ("data/store/edit/trim.cc", "data_test", "*", [
        ("static_cast<size_t>(std::max<int64_t>(0, rows - options.margin))",
         "static_cast<size_t>(std::max<int64_t>(0, rows + options.margin))"),
        ("episode.final_state = episode.steps[keep.end].state;",
         "episode.final_state = episode.steps[keep.end - 1].state;"),
        ("for (size_t row = keep.first; row < keep.end && !header.cameras.empty(); ++row) {",
         "for (size_t row = 0; row < keep.end - keep.first && !header.cameras.empty(); ++row) {"),
    ]),
    ("data/store/edit/select.cc", "data_test", "*", [
        ("Rng rng(RngKey{seed}.WithStage(\"data split\").WithParent(HashOf(name)));",
         "Rng rng(RngKey{0}.WithStage(\"data split\").WithParent(HashOf(name)));"),
        ("return variant ? meta.parents[0] : meta.uuid;", "return meta.uuid;"),
        ("if (holds[i] && !dropped) kept.push_back(i);", "if (holds[i]) kept.push_back(i);"),
        ("begin = end;", "begin = end + 1;"),
        ("if (options.success) SetSuccess(*options.success, meta);", ""),
    ]),
    # ---- mimic
    ("mimic/attempt/attempt.cc", "mimic_test", "Attempt*", [
        ("miss.distance <= own.arrival_tolerance && miss.angle <= arrival_angle_;",
         "miss.distance <= own.arrival_tolerance;"),
        ("active.event_miss.angle > arrival_angle_;", "false;"),
        ("if (!arrived && active->waited < own.arrival_timeout) {", "if (!arrived) {"),
        ("return measured.distance < commanded.distance ? measured : commanded;", "return commanded;"),
        ("if (active.collided) return Fail(active.subtask, FailureCause::kCollision, detail);", ""),
    ]),
    ("mimic/attempt/transform.cc", "mimic_test", "*", [
        ("double twist = 2 * std::atan2(q.z(), q.w());", "double twist = std::atan2(q.z(), q.w());"),
        ("X_now_src_ = X_WO_now * (X_WO_src * SymmetricTurn(turn)).Inverse();",
         "X_now_src_ = X_WO_now * X_WO_src.Inverse();"),
        ("return X_SH * SymmetricTurn(BestTurn(X_SH, X_EH, symmetry)) * X_EH.Inverse();",
         "return X_SH * X_EH.Inverse();"),
        ("return best <= -M_PI + 1e-9 ? M_PI : best;", "return -best;"),
    ]),
    ("mimic/attempt/stitch.cc", "mimic_test", "*", [
        ("rise_ = arch > 0 ? std::max(0.0, way.z()) + arch : -1;",
         "rise_ = arch > 0 ? way.z() + arch : -1;"),
        ("p.z() += up - down;", "p.z() += up;"),
        ("std::max(distance / subtask.bridge_speed, angle / subtask.bridge_turn) - 1e-9;",
         "distance / subtask.bridge_speed - 1e-9;"),
        ("if (way.norm() >= until) return t + 1;", "if (way.norm() >= until) return t;"),
        ("const double fraction = k + 1 == bridge ? 1 : static_cast<double>(k + 1) / bridge;",
         "const double fraction = static_cast<double>(k) / bridge;"),
        ("waypoint.target.arms[i] = {X_WE, last.arms[i].gripper};",
         "waypoint.target.arms[i] = {X_WE, source.arms[i].gripper[start]};"),
    ]),
    ("mimic/attempt/selection.cc", "mimic_test", "*", [
        ("AngleBetween(a.rotation(), b.rotation()) / rotation_scale;", "0;"),
        ("[](const Choice& a, const Choice& b) { return a.score < b.score; });",
         "[](const Choice& a, const Choice& b) { return a.score > b.score; });"),
        ("std::erase_if(scored, [&](const Scored& s) { return s.fit != best; });", ""),
        ("if (turned >= nearest) continue;", "if (turned <= nearest) continue;"),
        ("while (drawn + 1 < k && left >= weight(drawn)) left -= weight(drawn++);", ""),
    ]),
    ("mimic/attempt/clearance.cc", "mimic_test", "*", [
        ("const Eigen::Vector3d p_EO = X_WE.Inverse() * neighbour.p_WO;",
         "const Eigen::Vector3d p_EO = X_WE * neighbour.p_WO;"),
        ("for (int t = rows.start; t < rows.end && gripper[t] <= 0; ++t) {",
         "for (int t = rows.start; t < rows.end; ++t) {"),
        ("const Box box{X_WE * shape.X_WB, shape.half};", "const Box box{X_WE, shape.half};"),
    ]),
    ("mimic/attempt/subtask_planner.cc", "cli_test", "Drawer.ThatOpens*", [
        ("if (gap < kFreeGap) return gap < -kGrazes ? Fit::kMeetsPart : Fit::kGrazesPart;", ""),
    ]),
    ("core/geometry/box.cc", "core_test", "BoxGap.*", [
        ("look_along(R_WB.col(i));", ""),
        ("if (across.squaredNorm() > 1e-9) look_along(across.normalized());", ""),
    ]),
    ("mimic/attempt/carried.cc", "mimic_test", "*", [
        ("const Pose X_SH = demo.arms[i].X_WE[t].Inverse() * demo.X_WO[carried[i].object][t];",
         "const Pose X_SH = demo.X_WO[carried[i].object][t].Inverse() * demo.arms[i].X_WE[t];"),
    ]),
    ("mimic/attempt/watch.cc", "mimic_test", "*", [
        ("if (arm >= 0 && !open_[static_cast<size_t>(arm)]) held_.push_back({subtask, 0});",
         "if (arm >= 0) held_.push_back({subtask, 0});"),
        ("if (held.missing > patience) return Lost{condition.name, condition.grasp_arm};",
         "if (held.missing > patience + 1) return Lost{condition.name, condition.grasp_arm};"),
        ("return condition.is_check && !let_go ? Value(condition, observation) : risen_[subtask];",
         "return risen_[subtask];"),
        ("condition.grasp_arm >= 0 && open_[static_cast<size_t>(condition.grasp_arm)];", "false;"),
        ("return command.arms[conditions_[held.subtask].grasp_arm].gripper <= 0;", "return false;"),
    ]),
    ("mimic/attempt/quality.cc", "mimic_test", "*", [
        ("(after.arms[i].X_WE.translation() - before.arms[i].X_WE.translation()).norm() / seconds;",
         "(after.arms[i].X_WE.translation() - before.arms[i].X_WE.translation()).norm();"),
        ("if (gates_.max_touching >= 0 && touching_ > gates_.max_touching) {",
         "if (gates_.max_touching > 0 && touching_ > gates_.max_touching) {"),
    ]),
    ("mimic/sources/resample.cc", "mimic_test", "Resample.*", [
        ("commanded.push_back(place(static_cast<double>(k + 1) * rows_per_row - 1));",
         "commanded.push_back(place(static_cast<double>(k) * rows_per_row));"),
    ]),
    ("mimic/sources/segmentation.cc", "mimic_test", "*", [
        ("ClearEnd(task, judged_by, p_WE_AT, i, edge + 1));",
         "ClearEnd(task, judged_by, p_WE_AT, i, edge));"),
        ("const ClosedRows& judged_by = placed ? none : closed_AT;",
         "const ClosedRows& judged_by = closed_AT;"),
        ("return static_cast<int>(clear - p_WE.begin());", "return release;"),
        ("if (!IsMeant(own.arm, arm)) return end;", ""),
        ("if (earliest_end <= latest_start) {", "if (earliest_end < latest_start) {"),
        ("rows[t] &= (*closed)[t];", ";"),
        ("if (!same_try) chosen = edge;", ";"),
        ("      most = (event.row - end) / 2;", "      most = event.row - end;"),
        ("if (opens ? closed[t] : !closed[t] || closed[t - 1]) continue;",
         "if (opens ? closed[t] : !closed[t]) continue;"),
        ("      most = std::max(0, (next - end) / 2);", "      most = std::max(0, next - end - 1);"),
        ("next = std::min(next, ends[j] + segmentation->offsets[j][0]);",
         "next = std::min(next, ends[j]);"),
        ("drawn[i] += static_cast<int>(rng.UniformInt(int64_t{low}, int64_t{high}));",
         "drawn[i] += static_cast<int>(low);"),
    ]),
    ("mimic/run/balance.cc", "mimic_test", "*", [
        ("return grid.kept[grid.BinOf(X_WO_start)] < grid.most;",
         "return grid.kept[grid.BinOf(X_WO_start)] <= grid.most;"),
    ]),
    ("core/spec/reset_bins.cc", "core_test", "*", [
        ("y[end] = variant.origin.y() + range->y[end];",
         "y[end] = variant.origin.x() + range->y[end];"),
    ]),
    ("mimic/run/weigh.cc", "mimic_test", "*", [
        ("good_[i][source] += !failed;", "good_[i][source] += 1;"),
    ]),
    # ---- augment
    ("augment/randomizers/draw.cc", "augment_test", "-AugmentGolden.*", [
        ("const double z = rng.Uniform(-1, 1), angle", "const double z = rng.Uniform(0, 1), angle"),
        ("{ return rng.Uniform(-half_width, half_width); }", "{ return rng.Uniform(0, half_width); }"),
        ("hue = (2 + (rgb[2] - rgb[0]) / chroma) / 6;", "hue = (rgb[2] - rgb[0]) / chroma / 6;"),
        ("if (range[0] <= range[1]) return;", "return;"),
    ]),
    ("augment/randomizers/light.cc", "augment_test", "-AugmentGolden.*", [
        ("edit.specular = Clamp01(brightness * light.specular.cwiseProduct(tinted));",
         "edit.specular = light.specular;"),
        ("edit.ambient = Clamp01(In(rng, ambient) * light.ambient);", "In(rng, ambient);"),
        ("edit.position = light.position + InBox(rng, position);",
         "edit.position = InBox(rng, position);"),
    ]),
    ("augment/randomizers/headlight.cc", "augment_test", "-AugmentGolden.*", [
        ("edit.diffuse = Clamp01(In(rng, diffuse) * draw.scene.headlight_diffuse);",
         "edit.diffuse = Clamp01(In(rng, diffuse) * draw.scene.headlight_specular);"),
    ]),
    ("augment/randomizers/material.cc", "augment_test", "-AugmentGolden.*", [
        ("const bool recolour = hue > 0 || saturation > 0 || value > 0;", "const bool recolour = true;"),
        ("edit.shininess = std::clamp(material.shininess + Around(rng, shine), 0.0, 1.0);",
         "edit.shininess = material.specular;"),
    ]),
    ("augment/randomizers/material_swap.cc", "augment_test", "-AugmentGolden.*", [
        ("if (rng.Uniform() >= probability) continue;", ""),
    ]),
    ("augment/randomizers/texture.cc", "augment_test", "-AugmentGolden.*", [
        ("if (rng.Uniform() >= probability) continue;", ""),
    ]),
    ("augment/randomizers/camera.cc", "augment_test:sim_test", "NearPlane*:Plan.*:Tasks/NearPlane*", [
        ("if (cut.empty()) break;", "break;"),
    ]),
    ("augment/randomizers/near_plane.cc", "augment_test:sim_test", "NearPlane*:Tasks/NearPlane*", [
        ("-near);", "near);"),
        ("const Pose X_SC = solid.X_PS.Inverse() * X_PC;", "const Pose X_SC = solid.X_PS * X_PC;"),
    ]),
    ("augment/augment.cc", "augment_test", "*", [
        ("if (options.variants > 0 && options.plan.randomizers.empty()) {", "if (false) {"),
        (".WithVariant(static_cast<uint64_t>(variant));", ".WithVariant(0);"),
    ]),
    # ---- teleop
    ("teleop/clutch.cc", "teleop_test", "*", [
        ("if (!pressed_ && level >= press_) {", "if (!pressed_ && level >= release_) {"),
        ("const Eigen::Quaterniond turned_W = q_WT_ * turned_T * q_WT_.conjugate();",
         "const Eigen::Quaterniond turned_W = q_WT_.conjugate() * turned_T * q_WT_;"),
        ("X_WE_cmd0_.translation() + options_.scale * (q_WT_ * moved_T));",
         "X_WE_cmd0_.translation() + q_WT_ * moved_T);"),
        ("if (X_TH == X_TH0_) return X_WE_cmd0_;", ""),
        ("if (!hand.good) return Drop();", ""),
    ]),
    ("teleop/retarget.cc", "teleop_test", "*", [
        ("if (arm.clutch.engaged()) arm.lost = ClutchLoss::kStale;", ""),
        ("if (arm.clutch.engaged() && !input.good) arm.lost = LossOf(sample, focused_);", ""),
        ("arm.filter.Reset(command);", ""),
        ("while (end < stream.size() && stream[end].id <= step.teleop.sample_id) ++end;",
         "while (end < stream.size() && stream[end].id < step.teleop.sample_id) ++end;"),
        ("if (arm.gate.Accepts(X_WE_wanted)) {", "if (true) {"),
        ("arm.lost = ClutchLoss::kJump;", ""),
    ]),
    ("teleop/command.cc", "teleop_test", "*", [
        ('settings["record"] = ResultOptions(options.record);', ""),
        ("extended.begin.start = last_start + 1;", ""),
        ("if (!there) inputs.push_back(file);", "inputs.push_back(file);"),
    ]),
    ("teleop/session_folder.cc", "teleop_test", "*", [
        ("const int64_t start = again_.empty() ? begin_.start + used_ : again_.front();",
         "const int64_t start = begin_.start + used_;"),
        ("if (!WasCutShort(reader)) starts.insert(StartOf(reader));", "starts.insert(StartOf(reader));"),
        ("used_ += UsesStart(NameOf(outcome.end), outcome.steps);", "++used_;"),
    ]),
    ("teleop/session.cc", "teleop_test", "*", [
        ('if (!name.empty()) stage += "/" + name;', ""),
        ("if (parts_.options.cover > 0 && attempt.outcome().success) covered_[next.attempt] = start_;", ""),
        ("folder_.StoreCandidate(start, *candidate);", ""),
        ("if (!writing_ || (!wait && !writing_->attempt.finished())) return false;",
         "if (!writing_) return false;"),
    ]),
    ("teleop/starts.cc", "teleop_test", "*", [
        ("if (sum >= fewest) continue;", "if (sum > fewest) continue;"),
        ("simulator.Reset(name, key.WithVariant(candidate));", "simulator.Reset(name, key);"),
    ]),
    ("teleop/attempt_writer.cc", "teleop_test", "*", [
        ("error_ = std::current_exception();", ""),
        ('ending.meta.quality["replay_bit_exact"] = check.bit_exact;', ""),
    ]),
    ("teleop/webxr/clock_map.cc", "teleop_test", "*", [
        ("- round_trip_ns() / 2;", ";"),
        ("if (tt > 0) slope_ = std::clamp(td / tt, -kMostDrift, kMostDrift);", ""),
    ]),
    ("teleop/webxr/page_sample.cc", "teleop_test", "*", [
        ("*flags &= ~kTracked | (*flags & 3) << 2;", ""),
    ]),
    ("teleop/webxr/browser_device.cc", "teleop_test", "*", [
        ("if (!first && sample.sequence <= newest_.sequence) return;", ""),
        ("newest.hands[hand].buttons |= sample.hands[hand].buttons;", ""),
        ("if (!first) lost_ += sample.sequence - newest_.sequence - 1;", ""),
        ("if (focused_) events_ |= kEventFocusLost;", ""),
    ]),
    ("teleop/pacer.cc", "teleop_test", "*", [
        ("return start_ns + whole * step_ns + rest * step_ns / ticks_per_step;",
         "return start_ns + whole * step_ns;"),
    ]),
    # ---- sim
    ("sim/arm_chain.cc", "sim_test", "*ArmChain*:*FiveJoints*", [
        ("anchors[k] = moved * anchors_W_[k];", "anchors[k] = anchors_W_[k];"),
        ("const OfSquare left = eye - inverse * J_p;", "const OfSquare left = eye;"),
    ]),
    ("sim/arm_drive.cc", "sim_test", "*ByJoints*:*Motors*", [
        ("to_ = target.q_cmd;", "to_.resize(0);"),
        ("kd_(2 * std::sqrt(kp_) * robot.joint_control.damping_ratio),", "kd_(1.6 * std::sqrt(kp_)),"),
    ]),
    ("sim/simulator.cc", "sim_test", "*ByJoints*", [
        ("resolved.X_WE_cmd = chain.Forward(resolved.q_cmd);", ""),
    ]),
    ("train/samples/embodiment.cc", "train_test", "Embodiment.*", [
        ("*action_A++ = *absolute_A++ - state_S[i];", "*action_A++ = *absolute_A++;"),
    ]),
    ("core/episode/rises.cc", "mimic_test", "*", [
        ("if (signal[t - 1] != 0 || signal[t] == 0) continue;", "if (signal[t] == 0) continue;"),
    ]),
    ("core/episode/rises.cc", "data_test", "DatasetIndex.*", [
        ("RisingEdge(signal, first + 1, kRiseRows) >= 0", "true"),
    ]),
    ("mimic/run/reach.cc", "cli_test", "*Orientations*", [
        ("tally.in_vain += best < kNever && best > allowed;", "tally.in_vain += best == kNever;"),
    ]),
    ("mimic/run/reach.cc", "mimic_test", "OrientationTest.*", [
        ("if (!IsMeant(task.subtasks[i].arm, arm)) continue;", ""),
        ("if (away(t) < away(nearest)) nearest = t;", ""),
        ("return grips_there ? std::vector<int>{} : std::vector<int>{nearest};", "return {};"),
    ]),
    ("sim/osc.cc", "sim_test", "*OscLaws.*", [
        ("kd_(2 * std::sqrt(options.kp) * options.damping_ratio),", "kd_(1.6 * std::sqrt(options.kp)),"),
        ("wanted.template head<3>() = kp_ * (X_WE_cmd.translation() - p_WE);",
         "wanted.template head<3>() = 0.9 * kp_ * (X_WE_cmd.translation() - p_WE);"),
        ("if (q_error.w() < 0) q_error.coeffs() *= -1;", ""),
    ]),
    ("sim/predicates.cc", "sim_test", "Predicate*", [
        ("offset.z() >= p.min_dz && bodies_touch(node.first, node.second);",
         "bodies_touch(node.first, node.second);"),
        ("return touches(node.first, &GeomRole::left_pad_of, p.arm) &&",
         "return touches(node.first, &GeomRole::left_pad_of, p.arm) ||"),
        ("return counters_[place] >= p.steps;", "return counters_[place] >= p.steps - 1;"),
    ]),
    ("sim/reset.cc", "sim_test", "*SimulatorLaws.*", [
        ("if (distance < radii[i] + radii[j]) return", "if (distance < radii[i]) return"),
        ("const double yaw = rng.Uniform(range->yaw[0], range->yaw[1]);", "const double yaw = 0;"),
    ]),
    ("sim/reset.cc", "sim_test", "Parts.*", [
        ("starts[name] = rng.Uniform((*range.joint)[0], (*range.joint)[1]);",
         "starts[name] = (*range.joint)[0];"),
    ]),
    ("sim/looks/camera.cc", "sim_test", "RenderTest.*", [
        ("CopyNumbers(varied->cam_fovy, nominal.cam_fovy, nominal.ncam);", ""),
    ]),
    ("sim/looks/texture.cc", "sim_test", "RenderTest.*", [
        ("changed.push_back(texture);", ""),
        ("CopyNumbers(varied->mat_texrepeat, nominal.mat_texrepeat, nominal.nmat * 2);", ""),
        ("room_->Return(id);", ""),
    ]),
    ("sim/looks/sky.cc", "sim_test", "RenderTest.*", [
        ("CopyNumbers(varied->geom_group, nominal.geom_group, nominal.ngeom);", ""),
        ("{s, -1, -t}", "{s, -1, t}"),
        ("0.5 + yaw", "0.5 - yaw"),
    ]),
    ("data/store/shown_pictures.cc", "augment_test", "PicturesOfLooks.*", [
        ("ContentHash(content) != hash", "false"),
    ]),
    ("augment/pictures.cc", "app_test", "PicturesTest.*", [
        ("FileHash(file) != list.pictures.at(name).hash", "false"),
        ("hash != picture->hash", "false"),
        ("all.Add(content);", ""),
    ]),
    # ---- train
    ("train/samples/normalizer.cc", "train_test", "*", [
        ("values[i] = static_cast<float>(scale.center + scale.half * values[i]);",
         "values[i] = static_cast<float>(scale.half * values[i]);"),
        ("squares_[d] += delta * (value - mean_[d]);", "squares_[d] += delta * delta;"),
        ("const double range = std::max(n.Range(d), n.range_floor);", "const double range = n.Range(d);"),
        ("if (pattern.size() < longest || !GlobMatch(pattern, name)) continue;",
         "if (!GlobMatch(pattern, name)) continue;"),
        ("values[i] = static_cast<float>(clip > 0 ? std::clamp(encoded, -clip, clip) : encoded);",
         "values[i] = static_cast<float>(encoded);"),
    ]),
    ("train/samples/embodiment.cc", "train_test", "*", [
        ("const Pose X_BE = X_BW * arm.X_WE;", "const Pose X_BE = arm.X_WE;"),
        ("{Pose(RotationExp(turn) * arm.X_WE.rotation(), arm.X_WE.translation() + step),",
         "{Pose(arm.X_WE.rotation() * RotationExp(turn), arm.X_WE.translation() + step),"),
    ]),
    ("train/samples/training_set.cc", "train_test", "*", [
        ("std::clamp<int64_t>(wanted, 0, last)", "std::clamp<int64_t>(wanted, 0, last - 1)"),
        ("*mask_T++ = wanted >= 0 && wanted <= last && episode.Learns(step);",
         "*mask_T++ = episode.Learns(step);"),
        ("wanted <= last && episode.Learns(step);", "wanted <= last;"),
        ("label == ActionLabel::kClean ? step.action_clean : step.action;", "step.action;"),
    ]),
    ("train/samples/image_ops.cc", "train_test", "*", [
        ("const int first = std::max(0, -dx), last = std::min(width, width - dx);",
         "const int first = std::max(0, dx), last = std::min(width, width + dx);"),
    ]),
    ("train/samples/sampler.cc", "train_test", "*", [
        ("const uint64_t epoch = taken_[group] / sizes_[group];", "const uint64_t epoch = 0;"),
        ("if (lag > worst) {", "if (lag >= worst) {"),
    ]),
    ("train/samples/batch_source.cc", "train_test", "*", [
        ("learnt.normalizers.at(name).Encode(numbers);", ""),
        ("wanted >= 0 && wanted <= last};", "wanted <= last};"),
        ("const size_t frame = (sample.first_row + row) * cameras.size() + camera;",
         "const size_t frame = (sample.first_row + row) * cameras.size();"),
    ]),
    ("train/samples/held_out.cc", "train_test", "HoldOut.*", [
        ("home.episodes.push_back(std::move(episode));",
         "result.first.episodes.push_back(std::move(episode));"),
        ("std::max(1.0, std::round(share * static_cast<double>(order.size()))));",
         "std::round(share * static_cast<double>(order.size())));"),
    ]),
    ("train/samples/statistics.cc", "train_test", "*", [
        ("const double out = std::max(number.q01 - values[d], values[d] - number.q99);",
         "const double out = number.q01 - values[d];"),
        ("if (k < (shared ? 1 : longest)) step = builders[k].Build(rules, names);",
         "step = builders[shared ? 0 : std::min(k, longest - 1)].Build(rules);"),
    ]),
    ("train/run/ranks.cc", "train_test", "RankPlace.*", [
        ("if (bracket == std::string::npos || comma < bracket) return hosts.substr(0, comma);",
         "if (bracket == std::string::npos) return hosts.substr(0, comma);"),
        ("if (place.size == 1 && !missing.empty()) return std::nullopt;", ""),
    ]),
    ("train/run/checkpoint.cc", "train_test", "HoldOut.*", [
        ("const bool wanted = steps[i] == state.step || steps[i] == best ||",
         "const bool wanted = steps[i] == state.step ||"),
    ]),
    ("train/torch/learner.cc", "torch_test", "Learner.*", [
        ("if (differentiate) kept.copy_(replica.weights.gradients);", ""),
        ("pass.update = 0;  // the same draws each time", ""),
        ("parameters_.values().copy_(optimizer_.acting());", ""),
        ("if (error) std::rethrow_exception(error);", ""),
    ]),
    ("train/torch/learner.cc", "torch_test", "StepGraph.*", [
        ("if (prepared_B_ != batch.sample_B) graph_->Prepare({});", ""),
        ("++ahead.update;", ""),
    ]),
    ("train/torch/optimizer.cc", "torch_test", "StepGraph.*", [
        ("to_average_.fill_(1 - AverageDecay(steps_ + 1));", "to_average_.fill_(1 - AverageDecay(steps_));"),
    ]),
    ("train/run/train_loop.cc", "train_test", "TrainLoopTest.BatchesTakenAheadAreNotLost", [
        ("position.is_null() ? source.Save() : position", "source.Save()"),
    ]),
    ("core/motion/bounded_motion.cc", "core_test", "BoundedMotion.*", [
        ("return v.norm() <= limits_.speed * (1 + kRounding) && region_.Holds(p);",
         "return v.norm() <= limits_.speed * (1 + kRounding);"),
        ("a.norm() <= limits_.acceleration * more;", "true;"),
        ("if (u.norm() > limits_.speed) u.setZero();", "u.setZero();"),
        ("Vector way = target - u * dt_ - p_ - now;", "Vector way = target - p_ - now;"),
        ("region_.Widen(p);", ""),
        ("target_ += shift;", ""),
    ]),
    ("core/motion/safety_filter.cc", "core_test", "*SafetyFilter*", [
        ("target = Nearest(workspace_, target);", ""),
        ("region.upper[0] = arm_.kinematics->upper()[i] - options.joint_margin;",
         "region.upper[0] = arm_.kinematics->upper()[i];"),
        ("if (!found || !KeepsMargins(found->q, q)) return false;", "if (!found) return false;"),
        ("return KeepsMargins(then, q) && Valid(found->q, q);", "return KeepsMargins(then, q);"),
        ("const bool may_move = Valid(posture_, q);", "const bool may_move = true;"),
        ("p = to_ball * std::min(1.0, region.radius / std::max(1e-12, to_ball.norm()));",
         "p = to_ball;"),
        ("if (turned_all) R_WE_ = R_wanted;", ""),
    ]),
    ("core/seam/drawn_world.cc", "core_test", "StartInDrawnWorld.*", [
        ("if (error.kind() != ErrorKind::kFailed) throw;", ""),
    ]),
    ("core/image/camera_effects.cc", "core_test", "CameraEffects.*", [
        ("const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;",
         "const int scale = 200 - 2 * quality;"),
        ("const double part = static_cast<double>(s) / (steps - 1) - 0.5;",
         "const double part = static_cast<double>(s) / (steps - 1);"),
    ]),
    ("sim/looks/picture.cc", "sim_test", "PictureTest.*", [
        (".WithTerm(std::bit_cast<uint64_t>(time));", ";"),
        ("key.WithStage(camera)", "key"),
        ("if (edit.camera == camera) apply(edit);", "apply(edit);"),
    ]),
    ("train/evaluate/suite.cc", "train_test", "SuiteTest.*", [
        ("options.seed = suite.seed;", ""),
        ("if (!numbers.insert(episode.number).second) {", "if (false) {"),
    ]),
    ("train/evaluate/course.cc", "train_test", "TakeoverTest.*", [
        ("if (person && !turn->acts) player.Reset(last);", ""),
        ("episode.success = result.solved && episode.corrected == 0;",
         "episode.success = result.solved;"),
        ("while (episode.steps - episode.corrected < horizon) {",
         "while (episode.steps < horizon) {"),
        ("if (turn && !person) row.label = StepLabel::kPolicy;",
         "if (turn) row.label = StepLabel::kPolicy;"),
    ]),
    ("teleop/takeover.cc", "teleop_test", "Takeover.*:StallGate.*", [
        ("if (!acted) controller_->Follow(last);", ""),
        ("step_.acts = acted || std::ranges", "step_.acts = std::ranges"),
        ("if (now.signals[i] == 0 || came_[i] != 0) continue;", "if (now.signals[i] == 0) continue;"),
    ]),
    ("train/evaluate/course.cc", "train_test", "EvaluateTest.*:SuiteTest.*", [
        ("bench.simulator->SetWorld(episode.world);", ""),
        ("if (chunks.stitching == Stitching::kRtc) input.committed = player.Committed();", ""),
        ("action->arms[a] = command.action;", ""),
        ("WithTerm(\"policy\").WithVariant(static_cast<uint64_t>(episode.chunks));",
         "WithTerm(\"policy\");"),
        ("action.arms[a] = ClipTarget(arms[a].X_WE, wanted, simulator.info().limits);", ""),
    ]),
    ("train/evaluate/eval_report.cc", "train_test", "EvaluateTest.*", [
        ("++(in_a ? (in_b ? both : only_a) : (in_b ? only_b : neither));",
         "++(in_a ? (in_b ? both : only_b) : (in_b ? only_a : neither));"),
        ("differ(\"renderings\", ToJson(a.options.render).dump(), ToJson(b.options.render).dump());", ""),
    ]),
    ("core/geometry/rotation_form.cc", "serve_test", "PolicyMap.*", [
        ("q = form == RotationForm::k6dRows ? Eigen::Matrix3d(R->transpose()) : *R;",
         "q = *R;"),
    ]),
    ("serve/policy_map.cc", "serve_test", "PolicyMap.*", [
        ("return Follow(*answer, step, step + 1, input);", "return Follow(*answer, 0, 1, input);"),
        ("absolute ? R_WF * *R : R_WF * *R * R_WF.conjugate() * from.X_WE_cmd.rotation();",
         "absolute ? R_WF * *R : *R * from.X_WE_cmd.rotation();"),
        ("part.meaning == ActionMeaning::kFromLast ? last.arms.at(arm) : observed.arms.at(arm);",
         "observed.arms.at(arm);"),
    ]),
    ("serve/openpi_client.cc", "serve_test", "Openpi.*", [
        ("if (connection->IsQuiet()) return connection;", "return connection;"),
        ("if (reply.kind == Kind::kRejected && !used) Fail", "if (false) Fail"),
    ]),
    ("serve/request_reader.cc", "serve_test", "GrootProtocol.*", [
        ("committed_numbers_.push_back(array->Numbers());",
         "committed_numbers_.push_back(std::vector<double>(array->Numbers().size()));"),
        ("const int64_t first = std::max<int64_t>(0, moments_ - contract_.info.history);",
         "const int64_t first = 0;"),
        ("const int64_t at = b * moments_ + t;", "const int64_t at = t;"),
    ]),
    ("serve/openpi_protocol.cc", "serve_test", "OpenpiProtocol.*", [
        (".WithParent(HashOf(request));", ";"),
        ("} else if (array->shape != shape) {", "} else if (false) {"),
    ]),
    ("serve/requests.cc", "serve_test", "GrootProtocol.*", [
        ("unsigned difference = a.size() == b.size() ? 0 : 1;", "unsigned difference = 0;"),
    ]),
    ("serve/wire_value.cc", "serve_test", "WireValue.*", [
        ("if (data.size() / size != static_cast<size_t>(elements) || data.size() % size != 0) {",
         "if (false) {"),
    ]),
    ("train/evaluate/factors.cc", "train_test", "FactorsTest.*", [
        ("row->only_varied += !control.outcomes[i] && row->outcomes[i];",
         "row->only_varied += row->outcomes[i];"),
        ("for (size_t i = 0; i < adjusted.size(); ++i) report.rows[i].p_holm = adjusted[i];", ""),
        ("if (factor.label_safe && starts) {", "if (false) {"),
        ("if (row->rate() <= half) {", "if (row->rate() < 0) {"),
    ]),
    ("core/base/statistics.cc", "core_test", "Statistics.*", [
        ("largest = std::max(largest, std::min(1.0, left * p[order[i]]));",
         "largest = std::min(1.0, left * p[order[i]]);"),
    ]),
    ("sim/world.cc", "sim_test", "WorldTest.*", [
        ("draft.task->objects.at(edit.object).radius *= s;", ""),
        ("if (range != variant.objects.end()) range->second.z *= s;", ""),
        ("for (auto& [name, variant] : draft.task->variants) variant.origin.z() += edit.shift;", ""),
        ("if (servo) actuator->biasprm[1] *= edit.gain / actuator->gainprm[0];", ""),
        ("body->explicitinertial = 1;", "return false;"),
    ]),
    ("sim/simulator.cc", "sim_test", "WorldTest.*", [
        ("if (held_substeps_ > 0) HoldPosture();", ""),
        ("if (scene != scene_) Enter(std::move(scene));", ""),
    ]),
    ("mimic/attempt/attempt.cc", "mimic_test", "WorldsTest.*", [
        ("worker.world, key, variant, StartKey(key));", "worker.world, key, variant, key);"),
        ("meta.physics = std::move(physics);", ""),
    ]),
    ("data/store/edit/replay.cc", "data_test", "ReplayTest.*", [
        ("simulator.SetWorld(episode.meta.physics);", ""),
    ]),
    ("augment/augment.cc", "augment_test", "AugmentTest.*", [
        ("if (!unsafe.empty() && !options.looks_only) {", "if (false) {"),
    ]),
    ("augment/randomizers/amount.cc", "augment_test", "Plan.*:Amounts.*", [
        ("return place < below ? d.low + place : d.inner_high + (place - below);",
         "return d.low + place;"),
        ("return nominal * (severity == 1 ? drawn : std::pow(drawn, severity));",
         "return nominal * drawn;"),
    ]),
    ("sim/clutter.cc", "sim_test", "CompositionTest.*", [
        ("if ((p - at).norm() < objects_[i].radius + disc.radius + thing.clearance) {",
         "if ((p - at).norm() < objects_[i].radius + disc.radius) {"),
        ("const double t = length > 0 ? std::min((along + half_chord) / length, 1.0) : 1;",
         "const double t = length > 0 ? std::min(along / length, 1.0) : 1;"),
        ("return y > std::abs(x);", "return -y > std::abs(x);"),
        ("return std::hypot(x, y) >= relation.distance;", "return true;"),
        ("if (a != surface && b != surface) return \"touched something\";", ""),
        ("std::copy(before.begin(), before.end(), data->qpos);", ""),
        ("if (!refused.empty()) break;", ""),
    ]),
    ("sim/composition.cc", "sim_test", "CompositionTest.*", [
        ("geom->mass = mass * pieces[i].volume() / volume;", "geom->mass = mass;"),
        ("geom->mass = edit.mass * piece.volume() / volume;", "geom->mass = edit.mass;"),
        ("std::copy(std::begin(first->friction), std::end(first->friction), geom->friction);", ""),
    ]),
    ("sim/simulator.cc", "sim_test", "CompositionTest.*", [
        ("outcome->held_objects |= objects[0] & objects[1];",
         "outcome->held_objects |= objects[0] | objects[1];"),
        ("outcome->touches_stand |= owner == kStands;", "outcome->touches_stand |= owner < 0;"),
    ]),
    ("augment/randomizers/fixtures.cc", "sim_test", "CompositionTest.*", [
        ("if (PassesToAny(camera.p_W, world.working_W, wide)) return \"hid the work from \" + camera.name;",
         ""),
        ("if (wide.intersects(solid)) return \"stood in the table, an arm or what else is there\";", ""),
    ]),
    ("train/evaluate/event_watch.cc", "train_test", "EventWatchTest.*", [
        ("if (object.held >= kFirm && closed) object.lost = 1;",
         "if (object.held >= kFirm) object.lost = 1;"),
        ("wrong |= held && !object.asked;", "wrong |= held;"),
        ("if (!held && !object.tipped && up", "if (!object.tipped && up"),
    ]),
    ("train/evaluate/evaluate.cc", "train_test", "EvaluateTest.*", [
        ("return episodes == 50;", "return episodes >= 50;"),
        ("int looks = IsLook(episodes) ? 0 : 1;", "int looks = 0;"),
    ]),
    ("data/store/episode_columns.cc", "cli_test", "GenCli.ComposedScenesGoTheWholeWay", [
        ("const size_t flat = StateSizesOf(meta, header).flat;",
         "const size_t flat = header.simulator.flat_state_size;"),
    ]),
]

MUTATIONS = [
    {"file": file, "old": old, "new": new, "tests": tests, "filter": gtest_filter}
    for file, tests, gtest_filter, pairs in _GROUPS
    for old, new in pairs
]
