// A headset's browser as the device: draws the twin in stereo there, and sends what it tracks. Head
// and hands move at the headset's own rate, whatever the network does.
const PINCH_M = [0.02, 0.05];   // tips of thumb and index: closed, open
const FIST_M = [0.075, 0.12];   // tips of the other fingers from the wrist: closed, open
const FULL_TRACKING = 15, VALID_ONLY = 3;
const CONTROLLER_WORDS = {start: 'A (right)', discard: 'B (right)', reset: 'X (left)', stop: 'Y (left)',
  again: 'a press of the left stick', engage: 'hold the squeeze', gripper: 'the trigger'};
const HAND_WORDS = {start: 'thumb on middle finger for a second', discard: 'thumb on ring finger', reset: 'thumb on little finger',
  stop: 'both thumbs on little fingers', again: 'both thumbs on ring fingers', engage: 'make a fist', gripper: 'a pinch of thumb and index'};
// What a hand says by its thumb on another finger than the index, which is the gripper's.
const SIGNS = ['start', 'discard', 'reset'];  // middle, ring, little finger
const SIGN_MS = 1000, SIGN_M = 0.022, APART_M = 0.04;

const listOf = ({position: p, orientation: q}) => [p.x, p.y, p.z, q.x, q.y, q.z, q.w];
const share = (value, [closed, open]) => Math.min(1, Math.max(0, (open - value) / (open - closed)));

class XrDevice {
  constructor(twin, samples) {
    this.twin = twin;
    this.samples = samples;
    this.session = null;
    this.placement = {origin: [-1, 0, 0], yaw: 0};
    this.presses = {};
    this.signs = [{}, {}];  // by hand: which sign it shows, and since when
    this.profile = '';
    this.panel = makePanel();
  }

  // {mode: name of a button} of the ways in that this browser offers.
  static async modes() {
    const found = {};
    if (!navigator.xr) return found;
    for (const [mode, name] of [['immersive-vr', 'enter VR'], ['immersive-ar', 'enter AR (see through)']]) {
      if (await navigator.xr.isSessionSupported(mode).catch(() => false)) found[mode] = name;
    }
    return found;
  }

  hello() {
    const agent = navigator.userAgent.match(/(OculusBrowser|Quest[^;)]*|Pico[^;)]*|Wolvic|Chrome|Safari)[/ ]?[\d.]*/) || ['browser'];
    return {hello: {name: 'browser headset', version: agent[0], profile: this.profile || 'no controllers yet',
      buttons: this.profile.includes('hand') ? HAND_WORDS : CONTROLLER_WORDS}};
  }

  async enter(mode) {
    const session = await navigator.xr.requestSession(mode, {requiredFeatures: ['local-floor'], optionalFeatures: ['hand-tracking']});
    this.session = session;
    this.mode = mode;
    const {renderer} = this.twin;
    renderer.xr.enabled = true;
    renderer.xr.setReferenceSpaceType('local-floor');
    await renderer.xr.setSession(session);
    this.space = renderer.xr.getReferenceSpace();
    this.space.addEventListener('reset', () => { this.samples.events |= EVENT.recentered; });
    session.addEventListener('visibilitychange', () => this.onVisibility());
    session.addEventListener('end', () => this.leave());
    session.addEventListener('inputsourceschange', () => this.onSources());
    this.twin.enterXr(this.placement, mode === 'immersive-ar');
    this.twin.root.add(this.panel.mesh);
    this.onSources();
    if (this.visible() === false) this.samples.events |= EVENT.focusLost;
  }

  leave() {
    this.samples.events |= EVENT.focusLost;
    this.samples.put(performance.now(), null, [null, null]);
    this.session = null;
    this.twin.root.remove(this.panel.mesh);
    this.twin.renderer.xr.enabled = false;
    this.twin.leaveXr();
  }

  visible() { return this.session.visibilityState === undefined || this.session.visibilityState === 'visible'; }
  onVisibility() { this.samples.events |= this.visible() ? EVENT.focusGained : EVENT.focusLost; }

  onSources() {
    const right = [...this.session.inputSources].find(source => source.handedness === 'right');
    const profile = right ? (right.hand ? 'hand tracking' : right.profiles[0] || 'controller') : '';
    if (profile === this.profile) return;
    this.profile = profile;
    this.samples.send(JSON.stringify(this.hello()));
  }

  // Looks where the operator faces now: that is ahead from here on.
  faceForward(frame) {
    const head = frame.getViewerPose(this.space);
    if (!head) return;
    const {position: p, orientation: q} = head.transform;
    const ahead = new THREE.Vector3(0, 0, -1).applyQuaternion(new THREE.Quaternion(q.x, q.y, q.z, q.w));
    const turn = new THREE.Quaternion().setFromAxisAngle(new THREE.Vector3(0, 1, 0), Math.atan2(-ahead.x, -ahead.z));
    this.space = this.space.getOffsetReferenceSpace(new XRRigidTransform({x: p.x, y: 0, z: p.z}, {x: turn.x, y: turn.y, z: turn.z, w: turn.w}));
    this.twin.renderer.xr.setReferenceSpace(this.space);
    this.samples.events |= EVENT.recentered;
  }

  press(button) { this.presses[button] = 4; }

  // Once per picture of the headset: sends what it tracks now.
  tick(now, frame) {
    const head = frame.getViewerPose(this.space);
    const hands = [null, null];
    for (const source of this.session.inputSources) {
      const hand = {left: 0, right: 1}[source.handedness];
      if (hand !== undefined) hands[hand] = source.hand ? this.readHand(source, frame) : this.readController(source, frame, hand);
    }
    this.watchSigns(now);
    for (const [button, left] of Object.entries(this.presses)) {
      const hand = button === 'start' || button === 'discard' ? 1 : 0;
      if (left > 0) hands[hand] = {...(hands[hand] || LOST), buttons: (hands[hand] || LOST).buttons | BUTTON[button]};
      this.presses[button] = left - 1;
    }
    this.samples.put(now, head && {flags: head.emulatedPosition ? 7 : FULL_TRACKING, pose: listOf(head.transform)}, hands);
  }

  readPose(space, frame) {
    const pose = space && frame.getPose(space, this.space);
    if (!pose) return {flags: 0, pose: NOWHERE};
    const list = v => v && [v.x, v.y, v.z];
    // an emulated place is a guess: oriented and tracked, but nowhere to follow to
    return {flags: pose.emulatedPosition ? 7 : FULL_TRACKING, pose: listOf(pose.transform),
      velocity: list(pose.linearVelocity), turning: list(pose.angularVelocity)};
  }

  readController(source, frame, hand) {
    const pad = source.gamepad, pressed = i => Boolean(pad && pad.buttons[i] && pad.buttons[i].pressed);
    const level = i => (pad && pad.buttons[i] ? pad.buttons[i].value : 0);
    const stick = pressed(3);
    if (hand === 1 && stick && !this.forward) this.faceForward(frame);
    if (hand === 1) this.forward = stick;
    const first = hand === 1 ? BUTTON.start : BUTTON.reset, second = hand === 1 ? BUTTON.discard : BUTTON.stop;
    return {...this.readPose(source.gripSpace || source.targetRaySpace, frame), aim: this.readPose(source.targetRaySpace, frame).pose,
      trigger: level(0), squeeze: level(1), stick: pad ? [pad.axes[2] || 0, -(pad.axes[3] || 0)] : [0, 0],
      buttons: (pressed(4) ? first : 0) | (pressed(5) ? second : 0) | (hand === 0 && stick ? BUTTON.again : 0)};
  }

  // The sign that a hand shows: its thumb on one finger, the index and the others away from it.
  signOf(tips, squeeze) {
    if (squeeze > 0.3) return '';
    const far = tips.slice(1).map(tip => tip.distanceTo(tips[0])), others = far.slice(1);
    const nearest = Math.min(...others), finger = others.indexOf(nearest);
    const apart = far.every((distance, i) => i === finger + 1 || distance > APART_M || distance > nearest + 0.015);
    return nearest < SIGN_M && far[0] > APART_M && apart ? SIGNS[finger] : '';
  }

  // A sign that is held for a while is a button that is pressed once.
  watchSigns(now) {
    const [left, right] = this.signs;
    const both = left.name === right.name && {reset: 'stop', discard: 'again'}[left.name];
    for (const sign of this.signs) {
      if (!sign.name || sign.done || now - sign.since < SIGN_MS) continue;
      sign.done = true;
      if (both) left.done = right.done = true;
      this.press(both || sign.name);
    }
  }

  showSign(hand, name, now) {
    const sign = this.signs[hand];
    if (sign.name !== name) this.signs[hand] = {name, since: now, done: false};
  }

  // Bare hands: the fist moves the arm, the pinch closes the gripper.
  readHand(source, frame) {
    const at = name => {
      const pose = frame.getJointPose(source.hand.get(name), this.space);
      return pose && new THREE.Vector3().copy(pose.transform.position);
    };
    const wrist = at('wrist'), tips = ['thumb', 'index-finger', 'middle-finger', 'ring-finger', 'pinky-finger'].map(name => at(`${name}-tip`));
    const held = this.readPose(source.hand.get('wrist'), frame);
    const which = source.handedness === 'left' ? 0 : 1, now = performance.now();
    if (!wrist || tips.some(tip => !tip)) {
      this.showSign(which, '', now);
      return {...held, flags: held.flags & VALID_ONLY, trigger: 0, squeeze: 0, buttons: 0};
    }
    const far = tips.slice(2).reduce((sum, tip) => sum + tip.distanceTo(wrist), 0) / 3, squeeze = share(far, FIST_M);
    this.showSign(which, this.signOf(tips, squeeze), now);
    return {...held, aim: this.readPose(source.targetRaySpace, frame).pose, trigger: share(tips[0].distanceTo(tips[1]), PINCH_M), squeeze, buttons: 0};
  }

  vibrate({hand, amplitude, seconds}) {
    const source = this.session && [...this.session.inputSources].find(one => one.handedness === ['left', 'right'][hand]);
    const actuators = source && source.gamepad && source.gamepad.hapticActuators;
    if (actuators && actuators[0] && amplitude > 0) actuators[0].pulse(amplitude, 1000 * seconds);
  }
}

const LOST = {flags: 0, pose: NOWHERE, trigger: 0, squeeze: 0, buttons: 0};

// What the page says, on a board that stands beside the scene.
function makePanel() {
  const canvas = document.createElement('canvas');
  canvas.width = 1024;
  canvas.height = 320;
  const texture = new THREE.CanvasTexture(canvas);
  const mesh = new THREE.Mesh(new THREE.PlaneGeometry(0.96, 0.3), new THREE.MeshBasicMaterial({map: texture, transparent: true}));
  // to the left, where the arm does not stand in its way
  mesh.position.set(-0.8, 1.5, -1.2);
  mesh.rotation.y = 0.55;
  return {
    mesh,
    write(lines, mood) {
      const context = canvas.getContext('2d');
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.fillStyle = 'rgba(10, 14, 20, 0.8)';
      context.fillRect(0, 0, canvas.width, canvas.height);
      lines.forEach((line, i) => {
        context.fillStyle = i === 1 ? {good: '#6ee7a0', bad: '#ff8f87'}[mood] || '#ffffff' : i === 2 ? '#b9d4ff' : '#ffffff';
        context.font = `${i === 1 ? 'bold 52' : 40}px system-ui, sans-serif`;
        context.fillText(line, 28, 62 + 76 * i, canvas.width - 56);
      });
      texture.needsUpdate = true;
    },
  };
}
