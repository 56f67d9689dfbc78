#!/usr/bin/env python3
"""A cell whose DDS is Fast DDS, as that of most nodes of ROS 2, driven by `understudy drive`.

fast_dds_test.py --program understudy --source FOLDER --cell fast_dds_cell
"""
import argparse
import pathlib
import subprocess
import tempfile

from driven_cell import DrivenCell


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--cell', required=True)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        driven = DrivenCell(flags.program, flags.source, pathlib.Path(folder))
        with subprocess.Popen([flags.cell, str(driven.domain)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as cell:
            report = driven.drive('--seconds', 3)
            said, _ = cell.communicate()
    [row] = report['policies'][0]['rows']
    assert row['moving_steps'] == 60 and row['cause'] == 'out of time', row
    assert row['brakes']['stale'] == 0 and row['chunks'] >= 5, row
    trajectories, wrong, grips, moved = said.split()
    assert int(trajectories) >= 55 and int(grips) >= 55 and int(wrong) == 0, said
    assert float(moved) > 0.02, said
    print(f'{trajectories} trajectories, {grips} commands of the gripper')


if __name__ == '__main__':
    main()
