// What an episode's plots are, and the bands above them: subtasks, labels, events.
const LABELS = ['demonstration', 'segment', 'bridge', 'hold', 'policy'];
const LABEL_COLOURS = ['#94a3b8', '#74b58a', '#f0a53a', '#b79ce0', '#7aa7e0'];
const BANDS = ['#9cc4ea', '#f2c879', '#a6d5ab', '#e7a7ad', '#c9b6e4', '#8fd3d1'];
const FLAGS = ['clutch engaged', 'tracked', 'linear clamped', 'angular clamped', 'rejected', 'overrun', 'focus lost', 'recentered'];

const timeline = {bridges: [], subtasks: []};

// Channels of an episode by column: channel('target', 'robot0') is a list of arrays.
function channel(name, of = '', kind = null) {
  const column = S.about.columns.find(c => c.name === name && c.of === of && (!kind || c.kind === kind));
  return column ? column.parts.map((_, p) => S.columns[column.first + p]) : null;
}
const columnOf = (name, of) => S.about.columns.find(c => c.name === name && c.of === of);

// Stretches of equal values: [{from, end, value}]
function runs(data) {
  const found = [];
  for (let k = 0; k < data.length; ++k) {
    if (k === 0 || data[k] !== data[k - 1]) found.push({from: k, end: k + 1, value: data[k]});
    else found[found.length - 1].end = k + 1;
  }
  return found;
}
const subtaskName = i => S.data.subtasks[i] || `subtask ${i}`;

// A lane of named, coloured stretches.
function bandRow(name, data, colourOf, nameOf) {
  const stretches = runs(data);
  return {
    name, height: 19, tell: step => nameOf(data[step]),
    draw(context, width, height) {
      context.font = '11px system-ui, "Liberation Sans", sans-serif';
      context.textBaseline = 'middle';
      for (const run of stretches) {
        const a = plots.x(run.from - 0.5, width), b = plots.x(run.end - 0.5, width), text = nameOf(run.value);
        context.fillStyle = colourOf(run.value);
        context.fillRect(a + 0.5, 2, Math.max(1, b - a - 1), height - 4);
        const from = Math.max(a, 0), room = Math.min(b, width) - from - 8;
        if (room < 18) continue;
        context.save();
        context.beginPath();
        context.rect(from, 0, room + 6, height);
        context.clip();
        context.fillStyle = '#1b2430';
        context.fillText(text, from + 4, height / 2 + 0.5);
        context.restore();
      }
    },
  };
}

// A lane that is filled where a value holds.
function laneRow(name, data, colour, words = ['no', 'yes'], title = '') {
  const stretches = runs(data).filter(run => run.value);
  return {
    name, title, height: 15, tell: step => words[data[step] ? 1 : 0],
    draw(context, width, height, colours) {
      context.fillStyle = colours.grid;
      context.fillRect(0, height / 2, width, 1);
      context.fillStyle = colour;
      for (const run of stretches) {
        const a = plots.x(run.from - 0.5, width), b = plots.x(run.end - 0.5, width);
        context.fillRect(a, 3, Math.max(1.5, b - a), height - 6);
      }
    },
  };
}

// What happens at a step: the gripper closes or opens, an action is clipped, a signal rises.
function findEvents() {
  const events = [];
  for (const arm of S.about.arms) {
    const who = S.about.arms.length > 1 ? `${arm}: ` : '';
    const gripper = channel('gripper', arm);
    if (gripper) {
      for (let k = 1; k < S.length; ++k) {
        const now = gripper[0][k] > 0, before = gripper[0][k - 1] > 0;
        if (now !== before) events.push({step: k, mark: now ? '▼' : '▲', text: `${who}gripper ${now ? 'closes' : 'opens'}`});
      }
    }
  }
  const signals = columnOf('signals', '');
  for (const [p, name] of (signals ? signals.parts : []).entries()) {
    const data = S.columns[signals.first + p];
    for (let k = 1; k < S.length; ++k) {
      if (data[k] > data[k - 1]) events.push({step: k, mark: '◆', text: name});
    }
  }
  const success = channel('success');
  if (success) {
    const k = success[0].findIndex(v => v > 0);
    if (k >= 0) events.push({step: k, mark: '★', text: 'success'});
  }
  return events.sort((a, b) => a.step - b.step);
}

function eventRow() {
  const events = findEvents(), motion = (S.rows[S.current] || {}).motion;
  const head = (motion && motion.idle_head) || 0, tail = (motion && motion.idle_tail) || 0;
  const colours = {'▼': '#d9822b', '▲': '#3b7ddd', '◆': '#8a63d2', '★': '#2f9e62'};
  return {
    name: 'events', height: 19,
    tell(step) {
      const near = events.filter(e => e.step === step).map(e => e.text).join(', ');
      return near || (step < head || step >= S.length - tail ? 'idle' : '');
    },
    draw(context, width, height, theme) {
      context.fillStyle = theme.grid;
      if (head > 0) context.fillRect(plots.x(-0.5, width), 3, plots.x(head - 0.5, width) - plots.x(-0.5, width), height - 6);
      if (tail > 0) context.fillRect(plots.x(S.length - tail - 0.5, width), 3, width, height - 6);
      context.font = '11px system-ui, "DejaVu Sans", "Liberation Sans", sans-serif';
      context.textBaseline = 'middle';
      for (const [i, event] of events.entries()) {
        const x = plots.x(event.step, width), next = i + 1 < events.length ? plots.x(events[i + 1].step, width) - 7 : width;
        context.textAlign = 'center';
        context.fillStyle = colours[event.mark];
        context.fillText(event.mark, x, height / 2 + 1);
        context.textAlign = 'left';
        const wide = context.measureText(event.text).width;
        if (x + 9 + wide > next) continue;
        context.fillStyle = theme.faint;
        context.fillText(event.text, x + 9, height / 2 + 1);
      }
    },
  };
}

const line = (data, colour, label = '', dash = null) => ({data, colour, label, dash});

function armGroups(arm) {
  const groups = [], several = S.about.arms.length > 1, of = several ? `${arm}: ` : '';
  const get = name => channel(name, arm);
  const position = get('position'), target = get('target'), wanted = get('wanted');
  if (position || target) {
    const rows = ['x', 'y', 'z'].map((name, i) => ({
      name, title: 'solid: measured, dashed: target', least: 0.002,
      series: [position && line(position[i], AXES[i], 'measured'), target && line(target[i], 'target', 'target', [4, 3]),
               wanted && line(wanted[i], '#a855c7', 'operator', [1, 3])].filter(Boolean)}));
    const lines = `${target && position ? '; dashed: target' : ''}${wanted ? '; dotted: operator' : ''}`;
    groups.push({title: `${of}position`, note: `m, world${lines}`, open: true, rows});
  }
  const gripper = get('gripper'), fingers = get('fingers'), hand = [];
  if (gripper) {
    hand.push({name: 'command', title: '-1 open, +1 closed', low: -1, high: 1, steps: true, height: 30,
               series: [line(gripper[0], '#d9822b')]});
  }
  if (fingers) {
    hand.push({name: 'fingers, m', least: 0.001, height: 30,
               series: fingers.map((f, i) => line(f, PALETTE[i % PALETTE.length], `finger ${i + 1}`))});
  }
  if (hand.length) groups.push({title: `${of}gripper`, open: true, rows: hand});
  const delta = get('delta'), clipped = get('clipped');
  if (delta) {
    const rows = columnOf('delta', arm).parts.map((name, i) => ({
      name, even: true, least: 0.1, steps: true, height: 32, series: [line(delta[i], i < 6 ? AXES[i % 3] : '#d9822b')]}));
    if (clipped) rows.push(laneRow('clipped', clipped[0], '#e5484d', ['no', 'yes'], 'the wanted motion left the box of one step'));
    groups.push({title: `${of}action`, note: 'normalised delta in [-1, 1]', open: true, rows});
  }
  const motion = [];
  for (const [name, text] of [['speed', 'speed, m/s'], ['error', 'behind target, m'], ['noise', 'noise, m']]) {
    const data = get(name);
    if (data) motion.push({name: text, least: 1e-3, series: [line(data[0], '#3b7ddd')]});
  }
  if (motion.length) groups.push({title: `${of}motion`, open: true, rows: motion});
  const flags = get('flags');
  if (flags) {
    const fine = ['clutch engaged', 'tracked'];
    const rows = FLAGS.map((name, bit) => laneRow(name, flags[0].map(v => (v >> bit) & 1), fine.includes(name) ? '#2f9e62' : '#e5484d'));
    groups.push({title: `${of}teleoperation`, open: true, rows});
  }
  const turn = get('turn'), targetTurn = get('target_turn');
  if (turn) {
    groups.push({title: `${of}rotation since the start`, note: 'rotation vector, rad', open: false, rows: ['x', 'y', 'z'].map((name, i) => ({
      name, least: 0.01, series: [line(turn[i], AXES[i], 'measured'),
                                 targetTurn && line(targetTurn[i], 'target', 'target', [4, 3])].filter(Boolean)}))});
  }
  for (const [name, title, unit] of [['joints', 'joints', 'rad'], ['joint_speeds', 'joint speeds', 'rad/s']]) {
    const data = get(name);
    if (!data) continue;
    groups.push({title: `${of}${title}`, note: unit, open: false, rows: data.map((d, i) => ({
      name: columnOf(name, arm).parts[i], least: 1e-3, height: 32, series: [line(d, PALETTE[i % PALETTE.length])]}))});
  }
  return groups;
}

// Columns of another program's dataset by their names; state and action are open where no arm says
// the same.
function storedGroups() {
  const groups = S.about.columns.filter(c => c.kind === 'stored').map(column => ({
    title: column.name, note: column.of === 'other' ? '' : column.of,
    open: column.of !== 'other' && S.about.arms.length === 0,
    rows: column.parts.map((name, p) => ({
      name, least: 1e-6, height: 32, series: [line(S.columns[column.first + p], PALETTE[p % PALETTE.length])]}))}));
  const wide = S.about.wide_columns || [];
  if (wide.length) groups.push({title: 'columns of many numbers', note: wide.join(', '), open: false, rows: []});
  return groups;
}

function episodeGroups() {
  const bands = [], label = channel('label'), subtask = channel('subtask');
  timeline.bridges = label ? runs(label[0]).filter(run => run.value === 2) : [];
  const distinct = subtask ? runs(subtask[0]) : [];
  timeline.subtasks = distinct;
  if (subtask && (distinct.length > 1 || S.data.subtasks.length > 1)) {
    const colourOf = i => (i < 0 ? '#00000010' : BANDS[i % BANDS.length]);
    const nameOf = i => (i < 0 ? '–' : subtaskName(i));
    const perArm = channel('arm_subtask');  // where arms are at different ones at once
    if (perArm) perArm.forEach((data, i) => bands.push(bandRow(`subtask, ${S.about.arms[i]}`, data, colourOf, nameOf)));
    else bands.push(bandRow('subtask', subtask[0], colourOf, nameOf));
  }
  if (label) bands.push(bandRow('label', label[0], i => LABEL_COLOURS[i], i => LABELS[i]));
  const source = channel('source'), sourceStep = channel('source_step');
  bands.push(eventRow());
  if (source && source[0].some(v => v >= 0)) {
    bands.push(bandRow('source', source[0], i => (i < 0 ? '#00000010' : BANDS[(i + 3) % BANDS.length]), i => (i < 0 ? '–' : `source ${i}`)));
    bands[bands.length - 1].tell = step => (source[0][step] < 0 ? '–' : `source ${source[0][step]}, row ${sourceStep[0][step]}`);
  }
  const groups = [{title: '', rows: bands}];
  const signals = columnOf('signals', ''), success = channel('success'), lanes = [];
  if (signals) signals.parts.forEach((name, p) => lanes.push(laneRow(name, S.columns[signals.first + p], '#8a63d2')));
  if (success) lanes.push(laneRow('success', success[0], '#2f9e62'));
  if (lanes.length) groups.push({title: 'signals', open: true, rows: lanes});
  for (const arm of S.about.arms) groups.push(...armGroups(arm));
  for (const [i, object] of S.about.objects.entries()) {
    const position = channel('position', object, 'object'), yaw = channel('yaw', object);
    if (!position) continue;
    const rows = ['x', 'y', 'z'].map((name, axis) => ({name, least: 0.002, height: 32, series: [line(position[axis], AXES[axis])]}));
    if (yaw) rows.push({name: 'yaw, rad', least: 0.01, height: 32, series: [line(yaw[0], PALETTE[i % PALETTE.length])]});
    groups.push({title: `object ${object}`, note: 'm, world', open: false, rows});
  }
  groups.push(...storedGroups());
  const age = channel('sample_age');
  if (age) groups.push({title: 'age of the headset sample', note: 'ms', open: false, rows: [{name: 'age', series: [line(age[0], '#3b7ddd')]}]});
  return groups;
}
