// A running stage: the scene is fetched once, then instants and texts come over a socket.
const $ = id => document.getElementById(id);
const key = document.querySelector('meta[name=key]').content;
const FAR = 1.5;  // the whole arm is in the picture
const twin = new Twin($('view'));
const state = {status: {}, frames: 0, drawn: 0, closed: false};
window.understudy = {twin, state};  // for tests and for the curious

function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

function fit() { twin.resize(innerWidth, innerHeight); }

// The layout of LiveFrameMessage (view/live/live_frame.h).
function readFrame(buffer) {
  const head = new DataView(buffer), u32 = i => head.getUint32(4 * i, true), f32 = i => head.getFloat32(4 * i, true);
  if (u32(0) !== 1) return null;
  const [bodies, arms, contacts] = [u32(4), u32(5), u32(6)];
  let at = 8 + 7 * bodies;
  const frame = {step: u32(1), time: f32(2), success: Boolean(u32(3) & 1), sample: u32(7), poses: new Float32Array(buffer, 32, 7 * bodies), arms: []};
  for (let i = 0; i < arms; ++i, at += 9) {
    frame.arms.push({pose: new Float32Array(buffer, 4 * at, 7), gripper: f32(at + 7), flags: u32(at + 8)});
  }
  frame.contacts = new Float32Array(buffer, 4 * at, 3 * contacts);
  return frame;
}

function showArms(arms) {
  $('arms').replaceChildren(...arms.map((arm, i) => {
    const words = [];
    if (arm.flags & FLAG.rejected) words.push('held: jump rejected');
    else if (arm.flags & (FLAG.linear | FLAG.angular)) words.push('clamped');
    if (arm.flags && !(arm.flags & FLAG.tracked)) words.push('hand lost');
    words.push(arm.flags & FLAG.engaged ? 'engaged' : '', arm.gripper > 0 ? 'gripper closed' : 'gripper open');
    const part = document.createElement('span');
    part.className = `arm ${arm.flags & FLAG.rejected ? 'rejected' : arm.flags & 12 ? 'clamped' : ''}`;
    part.textContent = `${arms.length > 1 ? `arm ${i + 1}: ` : ''}${words.filter(Boolean).join(', ')}`;
    return part;
  }));
}

// Poses (7 numbers each) a share of the way from `a` to `b`.
function between(a, b, share) {
  const made = new Float32Array(b.length);
  for (let i = 0; i < b.length; i += 7) {
    for (let k = 0; k < 3; ++k) made[i + k] = a[i + k] + share * (b[i + k] - a[i + k]);
    let dot = 0, size = 0;
    for (let k = 3; k < 7; ++k) dot += a[i + k] * b[i + k];
    for (let k = 3; k < 7; ++k) {
      made[i + k] = (dot < 0 ? -a[i + k] : a[i + k]) * (1 - share) + share * b[i + k];
      size += made[i + k] * made[i + k];
    }
    for (let k = 3; k < 7; ++k) made[i + k] /= Math.sqrt(size) || 1;
  }
  return made;
}

// Bodies and commands glide from what is drawn to the newest instant, in the time that lay between
// the last two: the picture moves at the browser's rate, and is late by that time at most. Whoever
// moves the arm waits for less of it.
const MOST_GLIDE_MS = 100, MOST_LEADING_MS = 20;
const glide = {from: null, to: null, drawn: null, begin: 0, ms: 0, came: 0};

function glideTo(frame, now) {
  const to = {poses: frame.poses, arms: frame.arms.map(arm => arm.pose)}, {drawn} = glide;
  const goesOn = drawn && state.frame && frame.step > state.frame.step && drawn.poses.length === to.poses.length &&
    drawn.arms.length === to.arms.length;
  const pause = Math.min(state.device && !state.viewer ? MOST_LEADING_MS : MOST_GLIDE_MS, now - glide.came);
  Object.assign(glide, {from: drawn, to, begin: now, ms: goesOn ? 0.9 * pause : 0, came: now});
}

// Draws where things are now; says whether the newest instant stands.
function drawGlide(now) {
  if (!glide.to) return false;
  const {from, to} = glide, share = glide.ms > 0 ? Math.min(1, (now - glide.begin) / glide.ms) : 1;
  glide.drawn = share < 1 ? {poses: between(from.poses, to.poses, share), arms: to.arms.map((pose, i) => between(from.arms[i], pose, share))} : to;
  twin.setPoses(glide.drawn.poses);
  twin.world.updateMatrixWorld(true);
  twin.setArms(state.frame.arms.map((arm, i) => ({...arm, pose: glide.drawn.arms[i]})));
  if (share < 1) return false;
  glide.to = null;
  return true;
}

function show(frame, now) {
  ++state.frames;
  glideTo(frame, now);
  state.frame = frame;
  twin.setContacts(frame.contacts);
  $('time').textContent = `${frame.time.toFixed(2)} s · step ${frame.step}`;
  $('success').hidden = !frame.success;
  showArms(frame.arms);
}

// The page becomes the device: what it needs to say, and what may be pressed. `kind`: page or webxr.
function beDevice(kind) {
  const samples = new Samples(message => {
    if (state.socket.readyState === WebSocket.OPEN && !state.viewer) state.socket.send(message);
  });
  state.samples = samples;
  state.device = kind === 'page' ? new PageDevice(twin, samples) : new XrDevice(twin, samples);
  const {device} = state;
  state.socket.send(JSON.stringify(device.hello()));
  setInterval(() => samples.send(JSON.stringify({trip: performance.now()})), 100);
  $('device').hidden = false;
  for (const button of ['start', 'discard', 'reset', 'again', 'stop']) $(`press_${button}`).onclick = () => device.press(button);
  // keys are the scene's, whatever was clicked last
  for (const button of $('presses').children) button.addEventListener('click', () => button.blur());
  $('press_engage').hidden = $('press_gripper').hidden = $('keys').hidden = kind !== 'page';
  if (kind !== 'page') return offerWays(device);
  $('press_engage').onclick = () => device.toggle('squeeze');
  $('press_gripper').onclick = () => device.toggle('trigger');
  $('key_list').replaceChildren(...HELP.flatMap(([key, what]) => {
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = key;
    dd.textContent = what;
    return [dt, dd];
  }));
}

// Buttons for somebody who stands beside the operator.
function offerPresses() {
  state.presses = true;
  for (const id of ['press_engage', 'press_gripper', 'keys']) $(id).hidden = true;
  $('device').hidden = false;
  for (const button of ['start', 'discard', 'reset', 'again', 'stop']) {
    $(`press_${button}`).onclick = () => state.socket.send(JSON.stringify({press: button}));
  }
}

// Buttons that enter the headset, or why there are none.
async function offerWays(device) {
  const modes = await XrDevice.modes();
  const ways = Object.entries(modes).map(([mode, name]) => {
    const way = document.createElement('button');
    way.textContent = name;
    way.onclick = () => device.enter(mode).catch(error => notice(`the headset cannot be entered: ${error.message}`));
    return way;
  });
  if (!ways.length) {
    ways.push(isSecureContext ? 'no headset here: open this address in the browser of one'
      : 'this browser gives headsets to pages over https or from localhost only');
  }
  $('ways').replaceChildren(...ways);
}

// What the program says to this page alone.
function hear({ping, refused, leads, ahead_ms, haptic, trip}) {
  if (trip) state.trips = [...(state.trips || []).slice(-999), performance.now() - trip];
  if (ping && state.samples) state.samples.echo = [ping, performance.now()];
  if (haptic && state.device.vibrate) state.device.vibrate(haptic);
  if (refused) {
    notice(refused);
    state.viewer = true;
    $('device').hidden = true;
  }
  if (leads) {
    notice('');
    state.ahead = ahead_ms;
  }
}

function say(status) {
  if (status.ping || status.refused || status.leads || status.haptic || status.trip) return hear(status);
  Object.assign(state.status, status);
  const s = state.status;
  if (status.scene && status.scene !== state.scene) changeScene();
  if (s.device && !state.device) beDevice(s.device);
  if (s.presses && !state.presses) offerPresses();
  if (state.device && s.placement) {
    state.device.placement = s.placement;
    state.device.yaw = s.placement.yaw;
    if (status.placement && state.device.session) twin.placeXr(s.placement);
  }
  if (status.cue) {
    sound(status.cue.name);
    const fresh = ['lost', 'ready', 'saved', 'discarded'].includes(status.cue.name);
    if (fresh && state.device && state.device.release) state.device.release();
  }
  if (state.device && state.device.panel) state.device.panel.write([s.instruction, s.phase, s.hint, [s.count, s.board && s.board.attempts ? boardLine(s.board) : ''].filter(Boolean).join(' · ')].map(text => text || ''), s.mood);
  document.title = `${s.title || s.task || 'live'} · Understudy`;
  $('instruction').textContent = s.instruction || s.task || '';
  $('phase').textContent = s.phase || '';
  $('hint').textContent = s.hint || '';
  $('count').textContent = s.count || '';
  if (status.board) showBoard(status.board);
  $('state').className = s.mood || '';
}

const percent = share => `${(100 * share).toFixed(0)} %`;

// How the session goes, in one line.
const boardLine = board => `${board.per_hour.toFixed(0)} per hour, ${board.attempts - board.demonstrations} not saved`;

function showBoard(board) {
  const rows = [
    ['demonstrations per hour', board.per_hour.toFixed(0)],
    ['attempts', board.attempts],
    ...Object.entries(board.not_saved).map(([cause, count]) => [`not saved: ${cause}`, count]),
    ['hand not tracked', percent(board.untracked_share)],
    ['arm at its limit', percent(board.clamped_share)],
    ['between attempts', percent(board.idle_share)],
  ];
  $('board').hidden = !board.attempts;
  $('board').replaceChildren(...rows.flatMap(([what, value]) => {
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = what;
    dd.textContent = value;
    return [dt, dd];
  }));
}

function chooseCameras(scene) {
  const button = (text, click) => {
    const made = document.createElement('button');
    made.textContent = text;
    made.onclick = () => { click(made); $('view').focus(); };
    return made;
  };
  const insets = new Set(scene.cameras.map(camera => camera.name).slice(0, 2));
  const update = () => twin.showInsets([...insets]);
  $('cameras').replaceChildren(
    ...scene.cameras.map(camera => {
      const made = button(camera.name, self => {
        insets.has(camera.name) ? insets.delete(camera.name) : insets.add(camera.name);
        self.setAttribute('aria-pressed', insets.has(camera.name));
        update();
      });
      made.setAttribute('aria-pressed', insets.has(camera.name));
      made.title = 'picture of this camera';
      return made;
    }),
    button('reset view', () => twin.lookFrom(twin.firstCamera(), FAR)));
  twin.lookFrom(twin.firstCamera(), FAR);
  update();
}

// How a socket ends whose messages are malformed, no text, or too long (RFC 6455).
const REFUSALS = new Set([1002, 1007, 1009]);

function connect() {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live?key=${key}`);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({data}) => {
    if (typeof data === 'string') return say(JSON.parse(data));
    const frame = readFrame(data);
    if (frame) state.next = frame;
  };
  socket.onopen = () => {
    state.closed = false;
    notice('');
    if (!state.device) return;
    // whoever led before may have gone
    state.viewer = false;
    $('device').hidden = false;
    if (state.device.release) state.device.release();
    socket.send(JSON.stringify(state.device.hello()));
  };
  socket.onclose = ({code}) => {
    state.closed = true;
    notice(REFUSALS.has(code) ? 'the program does not take what this page sends: reload it' : 'the program has ended or cannot be reached');
    setTimeout(connect, 2000);
  };
  state.socket = socket;
}

// How long after a sample of this page the picture stands that shows what came of it; `left`: ms
// until it would have stood, where the next one has come before.
function measure(sample, left = 0) {
  const ms = ((Math.round((performance.now() + (state.ahead || 0)) * 100) - sample) >>> 0) / 100 + left;
  state.samples.shown = ms;
  state.latency = [...(state.latency || []).slice(-499), ms];
  const sorted = [...state.latency].sort((a, b) => a - b), at = part => sorted[Math.floor(part * (sorted.length - 1))].toFixed(0);
  $('latency').textContent = `seen after ${at(0.5)} ms (p99 ${at(0.99)} ms), ${glide.ms.toFixed(0)} ms of it gliding from step to step`;
}

function draw(now, frame) {
  const {device} = state;
  if (device && device.session && frame) device.tick(performance.now(), frame);
  if (device && device.hands) {
    const hand = device.hands[device.hand];
    $('press_engage').setAttribute('aria-pressed', Boolean(hand.squeeze));
    $('press_gripper').setAttribute('aria-pressed', Boolean(hand.trigger));
  }
  // of this page's own clock: that of the headset's pictures may be another one
  const at = performance.now();
  // one of the next scene waits for it, since a stage that waits shows nothing again
  if (state.next && state.next.poses.length === 7 * twin.scene.bodies.length) {
    if (glide.to && state.samples && state.frame.sample) measure(state.frame.sample, Math.max(0, glide.begin + glide.ms - at));
    show(state.next, at);
    state.next = null;
  }
  const stands = drawGlide(at);
  if (!twin.draw()) return;
  ++state.drawn;
  if (stands && state.samples && state.frame.sample) measure(state.frame.sample);
}

// The scene; another one where its look is another or the stage goes on with the next task, which
// has cameras of its own, and nothing that could glide on.
async function loadScene() {
  const answer = await fetch('/api/scene', {headers: {'X-Understudy-Key': key}});
  if (!answer.ok) throw new Error((await answer.json()).error);
  const scene = readScene(await answer.arrayBuffer());
  const other = !twin.scene || twin.scene.bodies.join() !== scene.bodies.join();
  twin.setScene(scene);
  if (other) {
    chooseCameras(scene);
    Object.assign(glide, {to: null, drawn: null});
    // it may have come before this scene
    state.next = state.next || state.frame;
  }
  if (glide.drawn) glide.to = glide.to || glide.drawn;
  state.scene = Number(answer.headers.get('X-Understudy-Scene'));
}

// The stage has gone on: a scene that could not be fetched is asked for again.
function changeScene() {
  loadScene().catch(error => {
    notice(error.message);
    setTimeout(changeScene, 1000);
  });
}

async function start() {
  fit();
  addEventListener('resize', fit);
  await loadScene();
  connect();
  twin.renderer.setAnimationLoop(draw);
}
start().catch(error => notice(error.message));
