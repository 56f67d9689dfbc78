#!/usr/bin/env python3
"""A cell with ROS 2 that nobody here wrote the DDS of: PyPI's cyclonedds, with messages declared in
this file, publishes joints and pictures of a Panda and follows what `understudy drive` publishes.

ros2_cell_test.py --program understudy --source FOLDER [--only NAME]

The file of the robot is the one in docs/deploy.md. Ends with 77 where Python has no cyclonedds.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from driven_cell import DrivenCell

try:
    from cyclonedds.core import Policy, Qos
    from cyclonedds.domain import DomainParticipant
    from cyclonedds.idl import IdlStruct
    from cyclonedds.idl.annotations import final
    from cyclonedds.idl.types import float64, int32, sequence, uint8, uint32
    from cyclonedds.pub import DataWriter
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic
    from cyclonedds.util import duration
except ImportError as missing:
    print(f'skipped: {missing} (pip install cyclonedds)')
    sys.exit(77)

@dataclass
@final
class Time(IdlStruct, typename='builtin_interfaces.msg.dds_.Time_'):
    sec_: int32
    nanosec_: uint32


@dataclass
@final
class Duration(IdlStruct, typename='builtin_interfaces.msg.dds_.Duration_'):
    sec_: int32
    nanosec_: uint32


@dataclass
@final
class Header(IdlStruct, typename='std_msgs.msg.dds_.Header_'):
    stamp_: Time
    frame_id_: str


@dataclass
@final
class Dimension(IdlStruct, typename='std_msgs.msg.dds_.MultiArrayDimension_'):
    label_: str
    size_: uint32
    stride_: uint32


@dataclass
@final
class Layout(IdlStruct, typename='std_msgs.msg.dds_.MultiArrayLayout_'):
    dim_: sequence[Dimension]
    data_offset_: uint32


@dataclass
@final
class Float64MultiArray(IdlStruct, typename='std_msgs.msg.dds_.Float64MultiArray_'):
    layout_: Layout
    data_: sequence[float64]


@dataclass
@final
class JointState(IdlStruct, typename='sensor_msgs.msg.dds_.JointState_'):
    header_: Header
    name_: sequence[str]
    position_: sequence[float64]
    velocity_: sequence[float64]
    effort_: sequence[float64]


@dataclass
@final
class Image(IdlStruct, typename='sensor_msgs.msg.dds_.Image_'):
    header_: Header
    height_: uint32
    width_: uint32
    encoding_: str
    is_bigendian_: uint8
    step_: uint32
    data_: sequence[uint8]


@dataclass
@final
class JointTrajectoryPoint(IdlStruct, typename='trajectory_msgs.msg.dds_.JointTrajectoryPoint_'):
    positions_: sequence[float64]
    velocities_: sequence[float64]
    accelerations_: sequence[float64]
    effort_: sequence[float64]
    time_from_start_: Duration


@dataclass
@final
class JointTrajectory(IdlStruct, typename='trajectory_msgs.msg.dds_.JointTrajectory_'):
    header_: Header
    joint_names_: sequence[str]
    points_: sequence[JointTrajectoryPoint]


def now():
    ns = time.time_ns()
    return Header(stamp_=Time(sec_=ns // 10**9, nanosec_=ns % 10**9), frame_id_='base')


def messages(reader, kind):
    """Those that have come; a writer that goes away leaves a sample without data."""
    return [message for message in reader.take(N=20) if isinstance(message, kind)]


class Cell:
    """An arm that is where it was sent, with a gripper that publishes its own joint states."""

    def __init__(self, domain):
        self.participant = DomainParticipant(domain)
        cdr = Policy.DataRepresentation(use_cdrv0_representation=True)
        reliable = Qos(Policy.Reliability.Reliable(duration(milliseconds=100)),
                       Policy.History.KeepLast(10), cdr)
        sensor = Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(5), cdr)

        def topic(name, kind):
            return Topic(self.participant, name, kind)

        states = topic('rt/joint_states', JointState)
        self.arm = DataWriter(self.participant, states, qos=reliable)
        self.gripper = DataWriter(self.participant, states, qos=reliable)
        self.images = [(DataWriter(self.participant, topic(f'rt/{name}/color/image_raw', Image),
                                   qos=sensor), encoding)
                       for name, encoding in (('front', 'rgb8'), ('wrist', 'bgr8'))]
        self.trajectories = DataReader(
            self.participant, topic('rt/fr3_arm_controller/joint_trajectory', JointTrajectory),
            qos=reliable)
        self.fingers = DataReader(
            self.participant, topic('rt/gripper_controller/commands', Float64MultiArray),
            qos=reliable)
        self.names = [f'fr3_joint{i}' for i in range(1, 8)]
        self.joints = [0, 0.196, 0, -2.618, 0, 2.942, 0.785]
        self.finger = 0.04
        self.commands, self.grips = [], []
        self.silent = False
        self.pixels = bytes(128 for _ in range(320 * 240 * 3))
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        step = 0
        while True:
            for command in messages(self.trajectories, JointTrajectory):
                self.commands.append(command)
                self.joints = list(command.points_[0].positions_)
            for command in messages(self.fingers, Float64MultiArray):
                self.grips.append(command)
                self.finger = command.data_[0]
            if not self.silent:
                self.arm.write(JointState(header_=now(), name_=self.names, position_=self.joints,
                                          velocity_=[float('nan')] * 7, effort_=[]))
                self.gripper.write(JointState(header_=now(), name_=['fr3_finger_joint1'],
                                              position_=[self.finger], velocity_=[0.0],
                                              effort_=[]))
            if not self.silent and step % 5 == 0:
                for writer, encoding in self.images:
                    writer.write(Image(header_=now(), height_=240, width_=320, encoding_=encoding,
                                       is_bigendian_=0, step_=960, data_=self.pixels))
            step += 1
            time.sleep(0.01)


class Tests(DrivenCell):
    def check_without_the_module(self):
        # as a build without Cyclone DDS
        modules = self.folder / 'modules'
        modules.mkdir()
        for module in (pathlib.Path(self.program).parent / 'lib/understudy').resolve().iterdir():
            if module.name != 'ros2.so':
                (modules / module.name).symlink_to(module)
        os.environ['UNDERSTUDY_MODULES'] = str(modules)
        code, log = self.drive('--seconds', 1)
        del os.environ['UNDERSTUDY_MODULES']
        assert code == 2 and 'Cyclone DDS' in log and 'WITH_DDS' in log, (code, log)

    def check_nobody_is_there(self):
        code, log = self.drive('--seconds', 1)
        assert code == 1, (code, log)
        assert (f'nobody publishes it as sensor_msgs/msg/Image in domain {self.domain}' in log
                or f'nobody publishes it as sensor_msgs/msg/JointState in domain {self.domain}'
                in log), log

    def check_a_policy_drives_the_cell(self):
        cell = Cell(self.domain)
        report = self.drive('--seconds', 3, '--log', self.folder / 'log')
        [row] = report['policies'][0]['rows']
        assert row['moving_steps'] == 60 and row['cause'] == 'out of time', row
        assert row['brakes']['stale'] == 0 and row['chunks'] >= 5, row
        assert len(cell.commands) >= 55 and len(cell.grips) >= 55, len(cell.commands)
        fastest = 0
        for before, after in zip(cell.commands, cell.commands[1:]):
            assert list(after.joint_names_) == cell.names and len(after.points_) == 1
            point = after.points_[0]
            assert point.time_from_start_ == Duration(sec_=0, nanosec_=50_000_000)
            assert not point.velocities_ and after.header_.stamp_.sec_ == 0
            fastest = max(fastest, *(abs(a - b) * 20 for a, b in zip(
                point.positions_, before.points_[0].positions_)))
        assert 0.01 < fastest <= 1.08 * (1 + 1e-6), fastest  # rad/s, of its robot.yaml
        assert all(0 <= grip.data_[0] <= 0.04 for grip in cell.grips)
        info = subprocess.run([self.program, 'data', 'info',
                               str(self.folder / 'log/trial_0000.h5')],
                              capture_output=True, text=True)
        assert info.returncode == 0 and 'stage: drive' in info.stdout, info

        # in its shadow nothing is published
        cell.commands.clear()
        report = self.drive('--seconds', 1, '--shadow')
        assert report['policies'][0]['rows'][0]['moving_steps'] == 20
        assert not cell.commands

        # what stops in the middle of a trial ends it
        threading.Thread(target=self.silence, args=(cell,), daemon=True).start()
        report = self.drive('--seconds', 60, '--lost', 1)
        [row] = report['policies'][0]['rows']
        assert 'the robot is lost' in row['cause'], row
        assert '/joint_states: no message for' in row['cause'], row
        assert row['brakes']['stale'] == 1, row

    @staticmethod
    def silence(cell):
        while len(cell.commands) < 20:
            time.sleep(0.01)
        cell.silent = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--only', default='')
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tests = Tests(flags.program, flags.source, pathlib.Path(folder))
        for name in [n for n in dir(tests) if n.startswith('check_') and flags.only in n][::-1]:
            getattr(tests, name)()
            print(name, 'passed', flush=True)


if __name__ == '__main__':
    main()
