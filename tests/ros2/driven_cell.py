"""The cell of docs/deploy.md: its file, a Panda whose command is joints, and `understudy drive`."""
import json
import os
import re
import shutil
import subprocess

LOOPBACK = ('<CycloneDDS><Domain id="any"><General><Interfaces><NetworkInterface name="lo"/>'
            '</Interfaces><AllowMulticast>false</AllowMulticast></General><Discovery>'
            '<ParticipantIndex>auto</ParticipantIndex><Peers><Peer address="localhost"/></Peers>'
            '</Discovery></Domain></CycloneDDS>')


class DrivenCell:
    def __init__(self, program, source, folder):
        os.environ['CYCLONEDDS_URI'] = LOOPBACK
        self.program, self.source, self.folder = program, source, folder
        self.domain = 1 + os.getpid() % 200
        shutil.copytree(source / 'sim/robots/panda', folder / 'panda')
        robot = folder / 'panda/robot.yaml'
        robot.write_text(robot.read_text() + '\naction: joints\n')
        page = (source / 'docs/deploy.md').read_text()
        [text] = [block for block in re.findall(r'```yaml\n(.*?)```', page, re.S)
                  if 'type: ros2' in block]
        self.link = folder / 'cell.yaml'
        self.link.write_text(text.replace('domain: 0 ', f'domain: {self.domain} '))
        assert f'domain: {self.domain} ' in self.link.read_text()

    def drive(self, *options):
        """What it reports, or how it ended and what it said."""
        done = subprocess.run(
            [self.program, 'drive', str(self.source / 'checkpoints/stack'), '--dead-man', 'none',
             '--json', '--task', 'stack', '--robot', str(self.folder / 'panda/robot.yaml'),
             '--link', str(self.link), *map(str, options)], capture_output=True, text=True,
            timeout=200)
        if done.returncode != 0:
            return done.returncode, done.stderr
        return json.loads(done.stdout)
