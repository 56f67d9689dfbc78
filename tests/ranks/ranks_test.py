#!/usr/bin/env python3
"""Several processes that train one network: started by hand, by torchrun and by Slurm.

ranks_test.py --program understudy [--torch FOLDER] [--only NAME]

--torch: folder that holds the Python package torch, whose torchrun is used. Parts whose launcher is
not there say so and are skipped.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SMALL = ['--policy.width', '16', '--policy.blocks', '2', '--policy.heads', '2',
         '--policy.feed-forward', '24', '--policy.stem', 'stride4',
         '--policy.feature-channels', '4', '--policy.grid-channels', '8', '--batch', '12', '--horizon', '8', '--execute', '8',
         '--trainer.precision', 'float32', '--trainer.warmup', '2',
         # AdamW moves a weight whose gradient is next to nothing by the sign of its rounding
         '--trainer.epsilon', '1e-3', '--quiet']


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def tensors(run):
    """The weights of the last checkpoint of a run, by the published layout of safetensors."""
    data = (run / 'checkpoints/last/pretrained_model/model.safetensors').read_bytes()
    size, = struct.unpack_from('<Q', data)
    header = json.loads(data[8:8 + size])
    result = {}
    for name, entry in header.items():
        if name == '__metadata__':
            continue
        begin, end = entry['data_offsets']
        result[name] = struct.unpack(f'<{(end - begin) // 4}f', data[8 + size + begin:8 + size + end])
    return result


def distance(a, b):
    """The largest difference beside the largest weight."""
    a, b = tensors(a), tensors(b)
    assert a.keys() == b.keys()
    largest = max(abs(x) for values in a.values() for x in values)
    return max(abs(x - y) for n in a for x, y in zip(a[n], b[n])) / largest


class Ranks:
    def __init__(self, program, folder, data):
        self.program, self.folder, self.data = program, folder, data

    def command(self, out, *options, data=None):
        return [self.program, 'train', '--datasets', str(data or self.data), '--out',
                str(self.folder / out), *SMALL, *options]

    def environment(self, rank, size, port):
        return {**os.environ, 'RANK': str(rank), 'WORLD_SIZE': str(size), 'MASTER_ADDR': '127.0.0.1',
                'MASTER_PORT': str(port), 'LOCAL_WORLD_SIZE': str(size)}

    def start(self, out, size, *options, port=None, each=None, data=None):
        """Starts the ranks; each[rank] are options of one alone, data[rank] its dataset."""
        port = port or free_port()
        return [subprocess.Popen(
            self.command(out, *options, *(each or {}).get(rank, []), data=(data or {}).get(rank)),
            env=self.environment(rank, size, port), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True) for rank in range(size)]

    @staticmethod
    def finish(ranks, timeout=120):
        result = []
        for rank in ranks:
            out, err = rank.communicate(timeout=timeout)
            result.append((rank.returncode, out, err))
        return result

    def train(self, out, size, *options, **more):
        results = self.finish(self.start(out, size, *options, **more))
        for rank, (code, _, err) in enumerate(results):
            assert code == 0, f'rank {rank}: {code}: {err}'
        assert all(text == '' for _, text, _ in results[1:]), 'rank 0 alone speaks'
        return results[0][1]

    def alone(self, out, *options):
        subprocess.run(self.command(out, *options), check=True, capture_output=True)

    def wait_for(self, out, step, timeout=60):
        """Until the log of a run has a row of this step."""
        log, end = self.folder / out / 'log.json', time.time() + timeout
        while time.time() < end:
            if log.exists():
                try:
                    rows = json.loads(log.read_text())['rows']
                    if rows and rows[-1]['step'] >= step:
                        return
                except ValueError:
                    pass
            time.sleep(0.02)
        raise AssertionError(f'{out}: no step {step} in {timeout} s')


def check_any_number_of_ranks_learns_the_same(t):
    t.alone('one', '--steps', '12')
    for size in (2, 3, 4):
        text = t.train(f'ranks{size}', size, '--steps', '12')
        assert '12 updates' in text, text
        d = distance(t.folder / 'one', t.folder / f'ranks{size}')
        assert d < 2e-6, f'{size} ranks: {d}'
    # the comparison can fail: another order of samples is another network
    t.alone('other', '--steps', '12', '--seed', '2')
    assert distance(t.folder / 'one', t.folder / 'other') > 1e-3
    rows = [json.loads((t.folder / n / 'log.json').read_text())['rows'] for n in ('one', 'ranks3')]
    assert len(rows[0]) == len(rows[1]) > 0
    for a, b in zip(*rows):
        assert abs(a['loss'] - b['loss']) < 1e-5 * a['loss'], (a, b)


def check_resumed_is_never_stopped(t):
    options = ['--steps', '150', '--save-every', '50', '--log-every', '1']
    ranks = t.start('stopped', 2, *options)
    t.wait_for('stopped', 5)
    # one rank is asked to stop, as Slurm does before it takes a node back
    ranks[1].send_signal(signal.SIGUSR1)
    results = t.finish(ranks)
    assert [code for code, _, _ in results] == [1, 1], results
    assert 'interrupted' in results[0][1], results[0][1]
    t.train('stopped', 2, *options, '--resume')
    t.train('never', 2, *options)
    assert distance(t.folder / 'stopped', t.folder / 'never') == 0
    # and one process may go on where two were
    t.alone('never', '--steps', '160', *options[2:], '--resume')


def check_a_killed_rank_ends_all_by_name(t):
    options = ['--steps', '100', '--save-every', '20', '--log-every', '1']
    t.train('whole', 3, *options)
    for killed in (2, 0):
        out = f'killed{killed}'
        ranks = t.start(out, 3, *options)
        t.wait_for(out, 45)
        ranks[killed].kill()
        results = t.finish(ranks, 60)
        for rank, (code, _, err) in enumerate(results):
            if rank == killed:
                continue
            assert code == 1, (rank, code, err)
            assert f'rank {killed}' in err and 'lost' in err, err
        t.train(out, 3, *options, '--resume')
        assert distance(t.folder / 'whole', t.folder / out) == 0


def check_ranks_that_differ_are_refused(t):
    for each, data, what in (
            ({1: ['--set', 'batch=10']}, None, 'options.batch was 12, is 10'),
            ({1: ['--set', 'seed=9']}, None, 'options.seed was 1, is 9'),
            ({1: ['--save-every', '7']}, None, 'save_every'),
            (None, {1: t.folder / 'other.h5'}, 'datasets was')):
        results = t.finish(t.start('differ', 2, '--steps', '4', each=each, data=data))
        for code, _, err in results:
            assert code == 3, (code, err)
            assert 'rank 1, beside rank 0: ' in err and what in err, err
        assert not (t.folder / 'differ/checkpoints').exists()


def check_the_error_of_one_rank_is_told_to_all(t):
    results = t.finish(t.start('missing', 3, '--steps', '4', data={2: t.folder / 'nowhere.h5'}))
    assert results[2][0] == 3 and 'nowhere.h5' in results[2][2], results[2]
    for code, _, err in results[:2]:
        assert code == 1 and 'rank 2 of 3 ended: ' in err and 'nowhere.h5' in err, (code, err)


def check_a_port_in_use_is_named(t):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        port = s.getsockname()[1]
        result = t.finish(t.start('port', 2, '--steps', '4', port=port)[:1])[0]
        assert result[0] == 1 and str(port) in result[2] and 'MASTER_PORT' in result[2], result


def check_half_an_environment_is_refused(t):
    for environment, what in (
            ({'WORLD_SIZE': '2'}, 'WORLD_SIZE=2 without RANK, MASTER_ADDR, MASTER_PORT'),
            ({'WORLD_SIZE': '2', 'RANK': '2', 'MASTER_ADDR': 'a', 'MASTER_PORT': '1'},
             'RANK=2: must be a whole number from 0 to 1'),
            ({'SLURM_NTASKS': '4'}, 'srun')):
        result = subprocess.run(t.command('half_environment', '--steps', '4'),
                                env={**os.environ, **environment}, capture_output=True, text=True)
        assert result.returncode == 2 and what in result.stderr, result


def check_too_few_samples_are_refused(t):
    results = t.finish(t.start('few', 3, '--steps', '4', '--set', 'batch=2'))
    for code, _, err in results:
        assert code in (1, 2) and '3 ranks share it' in err, (code, err)


def check_torchrun(t):
    path = os.pathsep.join(filter(None, [t.torch, os.environ.get('PYTHONPATH')]))
    environment = {**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1'}
    found = subprocess.run([sys.executable, '-c', 'import torch.distributed.run'], env=environment,
                           capture_output=True, text=True)
    if found.returncode:
        return 'no torch for this Python: ' + found.stderr.strip().splitlines()[-1]
    t.alone('by_hand', '--steps', '12')
    command = [sys.executable, '-m', 'torch.distributed.run', '--no-python', '--nproc-per-node', '2',
               '--master-port', str(free_port())]
    subprocess.run(command + t.command('torchrun', '--steps', '12'), env=environment, check=True,
                   capture_output=True, timeout=180)
    assert distance(t.folder / 'by_hand', t.folder / 'torchrun') < 2e-6
    # a rank is killed: torchrun starts all of them again, and they go on from the last checkpoint
    options = ['--steps', '100', '--save-every', '20', '--log-every', '1']
    t.train('no_kill', 2, *options)
    restarting = command[:-1] + [str(free_port()), '--max-restarts', '2']
    with subprocess.Popen(restarting + t.command('restarted', *options, '--resume'),
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as run:
        t.wait_for('restarted', 45)
        ranks = subprocess.run(['pgrep', '-P', str(run.pid)], capture_output=True, text=True)
        os.kill(int(ranks.stdout.split()[-1]), signal.SIGKILL)
        out, err = run.communicate(timeout=180)
        assert run.returncode == 0, err
    assert distance(t.folder / 'no_kill', t.folder / 'restarted') == 0


SLURM = '''ClusterName=test
SlurmctldHost={host}
AuthType=auth/none
CredType=cred/none
CryptoType=crypto/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmctldTimeout=300
ReturnToService=2
JobRequeue=1
NodeName={host} CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
'''


def await_job(environment, job, timeout=120):
    """Waits until Slurm has the job no more."""
    end = time.time() + timeout
    while time.time() < end:
        states = subprocess.run(['squeue', '-h', '-o', '%T', '-j', job], env=environment,
                                capture_output=True, text=True).stdout.split()
        if not states:
            return
        time.sleep(0.3)
    raise AssertionError(f'job {job}: {states} after {timeout} s')


def start_now(environment, job):
    """Slurm holds a requeued job for two minutes, once its first run is over."""
    end = time.time() + 60
    state = ''
    while state != 'PENDING BeginTime':
        assert time.time() < end, state
        time.sleep(0.2)
        state = subprocess.run(['squeue', '-h', '-o', '%T %r', '-j', job], env=environment,
                               capture_output=True, text=True).stdout.strip()
    # the credentials of the first run are revoked up to this second
    time.sleep(3)
    subprocess.run(['scontrol', 'update', f'jobid={job}', 'StartTime=now'], env=environment)


def try_job_files(t, environment):
    """The job files of slurm/, as their heads say."""
    environment = {**environment, 'UNDERSTUDY': t.program, 'SRUN_OPTIONS': '--overcommit'}
    files = pathlib.Path(__file__).resolve().parents[2] / 'slurm'

    def submit(file, *options, batch=(), **more):
        text = subprocess.run(['sbatch', '--parsable', *batch, str(files / file), *options],
                              env={**environment, **more}, cwd=t.folder, check=True,
                              capture_output=True, text=True).stdout
        return text.split(';')[0].strip()

    def log(name):
        return '\n'.join(p.read_text() for p in t.folder.glob(name))

    # a training that Slurm warns goes back into the queue, and ends as if it had never stopped
    options = ['--steps', '150', '--save-every', '50', '--log-every', '1']
    t.train('slurm_never', 2, *options)
    job = submit('train.sbatch', *t.command('job', *options)[2:],
                 batch=['--ntasks=2', '--overcommit'])
    t.wait_for('job', 10)
    subprocess.run(['scancel', '--batch', '--signal=USR1', job], env=environment, check=True)
    end = time.time() + 60
    while 'back into the queue' not in log('understudy-train-*.log'):
        assert time.time() < end, log('understudy-train-*.log')
        time.sleep(0.2)
    start_now(environment, job)
    await_job(environment, job, 180)
    assert distance(t.folder / 'slurm_never', t.folder / 'job') == 0, log('understudy-train-*.log')

    # parts of a dataset, rendered and merged
    sources = t.folder / 'data_blind.h5'
    await_job(environment, submit('mimic.sbatch', '--source', str(sources), '--attempts', '4', '--out', 'gen.h5',
                     '--quiet', batch=['--array=0-1', '--cpus-per-task=1']))
    parts = sorted(t.folder.glob('gen.shard-*-of-002.h5'))
    assert len(parts) == 2, log('understudy-mimic-*.log')
    await_job(environment, submit('augment.sbatch', '--variants', '0', '--quiet',
                     batch=['--array=0-1', '--cpus-per-task=1'], PARTS='gen.shard-*-of-002.h5'))
    looks = sorted(t.folder.glob('looks-*.h5'))
    assert len(looks) == 2, log('understudy-augment-*.log')
    subprocess.run([t.program, 'data', 'merge', *map(str, looks), '--out', str(t.folder / 'all.h5'),
                    '--quiet'], check=True, capture_output=True)

    # and checkpoints tried
    await_job(environment, submit('evaluate.sbatch', '--episodes', '2', '--horizon', '20', '--quiet',
                     batch=['--array=0-1', '--cpus-per-task=1'], CHECKPOINTS='job/checkpoints/0*'))
    reports = sorted(t.folder.glob('evaluation-*.json'))
    assert len(reports) == 2, log('understudy-evaluate-*.log')


PIPELINE = """
name: small
out: piped
order: [sources, made, looks, policy, test]
steps:
  sources: {command: teleop, with: {task: stack, demos: 2, seed: 1}}
  made: {command: mimic, with: {source: ["${sources}"], attempts: 4, seed: 2}}
  looks: {command: augment, with: {inputs: ["${made}"], variants: 0}}
  policy:
    command: train
    matrix: {seed: [1, 2]}
    with:
      datasets: ["${looks}"]
      seed: "${matrix.seed}"
      steps: 200
      batch: 12
      save_every: 20
      log_every: 1
      horizon: 8
      execute: 8
      trainer: {precision: float32, warmup: 2, epsilon: 1.0e-3}
      policy: {width: 16, blocks: 2, heads: 2, feed_forward: 24, stem: stride4, feature_channels: 4,
               grid_channels: 8}
  test:
    command: evaluate
    with: {checkpoint: "${policy}", episodes: 2, horizon: 20, seed: 5}
    policy: small
    condition: D0
"""
SITE = """
sbatch: [--overcommit, --ntasks=1]
setup: ["export UNDERSTUDY_SITE=1"]
srun: srun --kill-on-bad-exit=0 --overcommit
commands:
  train: {ranks: 2}
steps:
  made: {shards: 2}
"""


def try_pipeline(t, environment):
    """`understudy run --slurm`: jobs that wait for their inputs, parts as arrays, one table."""
    (t.folder / 'p.yaml').write_text(PIPELINE)
    (t.folder / 'site.yaml').write_text(SITE)
    out = t.folder / 'piped'

    def run(*options, code=0):
        done = subprocess.run([t.program, 'run', 'p.yaml', '--json', '--quiet', *options],
                              env=environment, cwd=t.folder, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr

    def logs():
        return '\n'.join(f'{p.name}: {p.read_text()}' for p in (out / '.slurm').rglob('*.log'))

    # what does not fit is said before anything is submitted
    (t.folder / 'wrong.yaml').write_text('commands: {mimic: {ranks: 2}, augment: {shards: 2}}\n'
                                         'steps: {maid: {ranks: 2}}\n')
    wrong = run('--slurm', 'wrong.yaml', code=3)
    for part in ("step 'made': ranks are of train, not of mimic",
                 "step 'looks': augment is not made in parts (shards)", "unknown step 'maid'"):
        assert part in wrong, wrong
    assert not out.exists() or not (out / '.slurm').exists()

    submitted = run('--slurm', 'site.yaml')
    jobs = {job['step']: job for job in submitted['jobs']}
    assert set(jobs) == {'sources', 'made', 'looks', 'policy_1', 'policy_2', 'test_1', 'test_2'}
    assert jobs['test_2']['after'] == [jobs['policy_2']['job']]
    # again: all of it waits or runs, the table too
    again = run('--slurm', 'site.yaml')
    assert again['jobs'] == [] and again['summary'] == submitted['summary'], again

    # a training that Slurm warns goes back into the queue and goes on
    t.wait_for('piped/policy_1', 10, 240)
    warned = jobs['policy_1']['job']
    subprocess.run(['scancel', '--batch', '--signal=USR1', warned], env=environment, check=True)
    end = time.time() + 60
    while 'back into the queue' not in logs():
        assert time.time() < end, logs()
        time.sleep(0.2)
    start_now(environment, warned)
    # and a job that is taken away is submitted again, with what waits for it
    subprocess.run(['scancel', jobs['test_2']['job'], submitted['summary']], env=environment,
                   check=True)
    again = run('--slurm', 'site.yaml')
    assert [job['step'] for job in again['jobs']] == ['test_2'], again
    await_job(environment, again['summary'], 400)

    assert (out / 'summary.json').exists(), \
        logs() + (t.folder / 'slurm/ctld.log').read_text()[-3000:] + f'{submitted} {again}'
    summary = json.loads((out / 'summary.json').read_text())
    assert len(summary['rows']) == 2, logs()
    assert summary['means'][0]['evaluations'] == 2
    assert run('--plan')['to_run'] == 0, run('--plan')
    assert run('--slurm', 'site.yaml') == {'jobs': [], 'summary': None}
    made = json.loads((out / '.state/made.json').read_text())['result']
    assert len(made['parts']) == 2 and made['attempts'] == 4, made
    # what a whole run in one process makes
    subprocess.run([t.program, 'run', 'p.yaml', '--out', 'at_once', '--quiet', '--only', 'policy_1'],
                   cwd=t.folder, check=True, capture_output=True)
    assert distance(t.folder / 'at_once/policy_1', out / 'policy_1') < 1e-4

    # parts are made again with what they were made with before out of the way
    forced = run('--slurm', 'site.yaml', '--force', '--only', 'made')
    assert [job['step'] for job in forced['jobs']] == ['sources', 'made'], forced
    await_job(environment, forced['summary'], 200)
    assert json.loads((out / '.state/made.json').read_text())['result']['attempts'] == 4, logs()

    # settings that change while a job of others is in the queue
    (t.folder / 'p.yaml').write_text(PIPELINE.replace('steps: 200', 'steps: 201'))
    run('--slurm', 'site.yaml', '--only', 'policy')
    (t.folder / 'p.yaml').write_text(PIPELINE.replace('steps: 200', 'steps: 202'))
    refused = run('--slurm', 'site.yaml', code=2)
    assert "with other settings is in the queue: wait for it, or `scancel" in refused, refused
    subprocess.run(['scancel', '--user=root'], env=environment, check=True)
    end = time.time() + 60
    while subprocess.run(['squeue', '-h'], env=environment, capture_output=True).stdout:
        assert time.time() < end
        time.sleep(0.3)


def check_slurm(t):
    if not all(shutil.which(name) for name in ('slurmctld', 'slurmd', 'srun')):
        return 'no Slurm (slurm-wlm)'
    if os.geteuid() != 0:
        return 'Slurm of this test needs root'
    folder = t.folder / 'slurm'
    (folder / 'state').mkdir(parents=True)
    (folder / 'spool').mkdir()
    conf = folder / 'slurm.conf'
    conf.write_text(SLURM.format(host=socket.gethostname().split('.')[0], folder=folder,
                                 ports=(free_port(), free_port()), cpus=os.cpu_count()))
    environment = {**os.environ, 'SLURM_CONF': str(conf)}
    for name in ('WORLD_SIZE', 'RANK'):
        environment.pop(name, None)
    daemons = [subprocess.Popen([name, '-D'], env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for name in ('slurmctld', 'slurmd')]
    try:
        end = time.time() + 60
        while time.time() < end:
            state = subprocess.run(['sinfo', '-h', '-o', '%T'], env=environment,
                                   capture_output=True, text=True).stdout.strip()
            if state in ('idle', 'mixed'):
                break
            time.sleep(0.5)
        else:
            return 'Slurm does not start here: ' + (folder / 'ctld.log').read_text()[-300:]
        t.alone('for_slurm', '--steps', '12')
        subprocess.run(['srun', '-n', '2', '--overcommit'] + t.command('srun', '--steps', '12'),
                       env=environment, check=True, timeout=120, capture_output=True)
        assert distance(t.folder / 'for_slurm', t.folder / 'srun') < 2e-6
        try_job_files(t, environment)
        try_pipeline(t, environment)
    finally:
        for daemon in daemons:
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(20)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--torch', default='')
    parser.add_argument('--only', default='')
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    checks = [(name, check) for name, check in globals().items() if name.startswith('check_')]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for name, seed in (('data', 1), ('other', 2)):
            subprocess.run([program, 'teleop', '--task', 'stack', '--demos', '2', '--seed', str(seed),
                            '--out', str(folder / f'{name}_blind.h5'), '--quiet'], check=True,
                           capture_output=True)
            subprocess.run([program, 'augment', str(folder / f'{name}_blind.h5'), '--variants', '0',
                            '--out', str(folder / f'{name}.h5'), '--quiet'], check=True,
                           capture_output=True)
        t = Ranks(program, folder, folder / 'data.h5')
        t.torch = arguments.torch
        for name, check in checks:
            if arguments.only and arguments.only != name:
                continue
            start = time.time()
            skipped = check(t)
            print(f'{name}: {"skipped: " + skipped if skipped else "passed"} '
                  f'({time.time() - start:.1f} s)', flush=True)


if __name__ == '__main__':
    main()
