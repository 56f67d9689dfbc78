// The page as a device: mouse and keys move a hand, which is sent however slowly the page is drawn.
const RATE = 90;  // samples per second
const SPEED = 0.15, TURN = 0.8, SLOW = 0.3;  // m/s, rad/s, and with shift
const KEYS = {
  KeyW: ['move', [0, 1, 0]], KeyS: ['move', [0, -1, 0]], KeyA: ['move', [-1, 0, 0]], KeyD: ['move', [1, 0, 0]],
  KeyE: ['move', [0, 0, 1]], KeyQ: ['move', [0, 0, -1]],
  ArrowLeft: ['turn', [0, 0, 1]], ArrowRight: ['turn', [0, 0, -1]], ArrowUp: ['turn', [-1, 0, 0]], ArrowDown: ['turn', [1, 0, 0]],
  KeyZ: ['turn', [0, -1, 0]], KeyX: ['turn', [0, 1, 0]],
};
const PRESSES = {Enter: 'start', Backspace: 'discard', KeyR: 'reset', KeyL: 'again', Escape: 'stop'};
const WORDS = {start: 'Enter', discard: 'Backspace', reset: 'R', stop: 'Esc', again: 'L', engage: 'press C', gripper: 'G'};
const HELP = [['C', 'takes hold of the arm, and lets go'], ['W A S D', 'away, left, towards, right as you see it'], ['E Q', 'up, down'],
  ['← →  ↑ ↓  Z X', 'turn'], ['shift', 'slowly'], ['drag with shift', 'moves the hand in the picture'], ['G', 'gripper'],
  ['Tab', 'the other hand'], ['Enter', 'starts, then accepts'], ['Backspace', 'discards'], ['R', 'another start'], ['L', 'records the last one saved again'], ['Esc', 'ends the session']];

class PageDevice {
  constructor(twin, samples) {
    this.twin = twin;
    this.samples = samples;
    this.held = new Set();
    this.hand = 1;  // the one that keys move
    this.hands = [-0.2, 0.2].map(x => ({
      place: new THREE.Vector3(x, 1, -0.4), turn: new THREE.Quaternion(), squeeze: 0, trigger: 0, presses: {}}));
    this.last = performance.now();
    this.yaw = 0;
    this.slow = false;
    this.listen();
    setInterval(() => this.tick(performance.now()), 1000 / RATE);
  }

  hello() {
    return {hello: {name: 'page', version: (navigator.userAgent.match(/(Firefox|Edg|Chrome|Safari)\/[\d.]+/) || ['browser'])[0],
      profile: 'mouse and keys', buttons: WORDS}};
  }

  listen() {
    addEventListener('keydown', event => this.onKey(event, true));
    addEventListener('keyup', event => this.onKey(event, false));
    addEventListener('blur', () => { this.held.clear(); this.release(); this.samples.events |= EVENT.focusLost; });
    addEventListener('focus', () => { this.samples.events |= EVENT.focusGained; });
    const view = this.twin.canvas;
    view.addEventListener('pointerdown', event => {
      if (!event.shiftKey || event.button !== 0) return;
      this.twin.orbit.enabled = false;
      this.drag = [event.clientX, event.clientY];
      view.setPointerCapture(event.pointerId);
    }, true);
    view.addEventListener('pointermove', event => this.onDrag(event));
    view.addEventListener('pointerup', () => { this.drag = null; this.twin.orbit.enabled = true; });
  }

  onKey(event, down) {
    this.slow = event.shiftKey;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const code = event.code;
    if (KEYS[code]) {
      down ? this.held.add(code) : this.held.delete(code);
    } else if (down && !event.repeat && PRESSES[code]) {
      this.press(PRESSES[code]);
    } else if (down && !event.repeat && code === 'KeyC') {
      this.toggle('squeeze');
    } else if (down && !event.repeat && code === 'KeyG') {
      this.toggle('trigger');
    } else if (down && code === 'Tab') {
      this.hand = 1 - this.hand;
    } else {
      return;
    }
    event.preventDefault();
  }

  toggle(what) { this.hands[this.hand][what] = this.hands[this.hand][what] ? 0 : 1; }
  // A button is down for a few samples, so that none of them is missed.
  press(button) { this.hands[button === 'start' || button === 'discard' ? 1 : 0].presses[button] = 4; }
  // The clutch was lost: the next press of its key is a fresh one.
  release() { for (const hand of this.hands) hand.squeeze = 0; }

  // Axes of the picture, level: right, away and up in the world.
  axes() {
    const ahead = this.twin.orbit.target.clone().sub(this.twin.camera.position).setZ(0);
    if (ahead.length() < 1e-6) ahead.set(1, 0, 0);
    ahead.normalize();
    return [new THREE.Vector3(ahead.y, -ahead.x, 0), ahead, new THREE.Vector3(0, 0, 1)];
  }

  // From the world to the tracking space, as the operator stands there.
  toTracking() {
    const ahead = new THREE.Quaternion(0.5, -0.5, -0.5, 0.5);  // wxyz 0.5, 0.5, -0.5, -0.5
    return new THREE.Quaternion().setFromAxisAngle(new THREE.Vector3(0, 0, 1), this.yaw).multiply(ahead).invert();
  }

  shift(right, away, up) {
    const [x, y, z] = this.axes(), moved = x.multiplyScalar(right).addScaledVector(y, away).addScaledVector(z, up);
    this.hands[this.hand].place.add(moved.applyQuaternion(this.toTracking()));
  }

  rotate(about, angle) {
    const [x, y, z] = this.axes();
    const axis = x.multiplyScalar(about[0]).addScaledVector(y, about[1]).addScaledVector(z, about[2]).applyQuaternion(this.toTracking());
    this.hands[this.hand].turn.premultiply(new THREE.Quaternion().setFromAxisAngle(axis.normalize(), angle));
  }

  onDrag(event) {
    if (!this.drag) return;
    const [x, y] = this.drag;
    this.drag = [event.clientX, event.clientY];
    // as far as the middle of the picture moves
    const distance = this.twin.camera.position.distanceTo(this.twin.orbit.target);
    const metre = 2 * distance * Math.tan(this.twin.camera.fov * Math.PI / 360) / innerHeight;
    this.shift(metre * (event.clientX - x), 0, -metre * (event.clientY - y));
  }

  // Moves the hand by what is held down, and sends where it is.
  tick(now) {
    const dt = Math.min(0.05, (now - this.last) / 1000), rate = this.slow ? SLOW : 1;
    this.last = now;
    for (const code of this.held) {
      const [what, by] = KEYS[code];
      if (what === 'move') this.shift(...by.map(v => v * SPEED * rate * dt));
      else this.rotate(by, TURN * rate * dt);
    }
    const head = {flags: 15, pose: [0, 1.5, 0, 0, 0, 0, 1]};
    this.samples.put(now, head, this.hands.map(hand => this.read(hand)));
  }

  read(hand) {
    const {x, y, z} = hand.place, q = hand.turn;
    let buttons = 0;
    for (const [button, left] of Object.entries(hand.presses)) {
      if (left > 0) buttons |= BUTTON[button];
      hand.presses[button] = left - 1;
    }
    return {flags: 15, pose: [x, y, z, q.x, q.y, q.z, q.w], trigger: hand.trigger, squeeze: hand.squeeze, buttons};
  }
}

// A tone for every moment that an operator should not miss.
const TONES = {ready: [440, 0.08], start: [660, 0.12], engaged: [550, 0.05], lost: [180, 0.3], found: [330, 0.1], clamped: [240, 0.05],
  success: [880, 0.12], saved: [990, 0.3], discarded: [200, 0.2], ended: [300, 0.4]};
let audio = null;
function sound(name) {
  const tone = TONES[name];
  if (!tone || !navigator.userActivation || !navigator.userActivation.hasBeenActive) return;
  audio = audio || new AudioContext();
  const source = audio.createOscillator(), gain = audio.createGain(), end = audio.currentTime + tone[1];
  source.frequency.value = tone[0];
  gain.gain.setValueAtTime(0.15, audio.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, end);
  source.connect(gain).connect(audio.destination);
  source.start();
  source.stop(end);
}
