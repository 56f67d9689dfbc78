// A stand-in for a headset's browser: navigator.xr with two controllers (or bare hands), two eyes
// and 72 pictures per second. A test moves it through window.fakeXr.
(() => {
  const EYE = 256;
  const identity = () => ({p: [0, 0, 0], q: [0, 0, 0, 1]});
  const fake = window.fakeXr = {
    rate: 72, frames: 0, visibility: 'visible', session: null, pulses: [],
    head: {p: [0, 1.5, 0], q: [0, 0, 0, 1], emulated: false, lost: false},
    hands: ['left', 'right'].map(side => ({
      side, p: [side === 'left' ? -0.2 : 0.2, 1, -0.4], q: [0, 0, 0, 1], lost: false, emulated: false, gone: false,
      buttons: [0, 0, 0, 0, 0, 0], axes: [0, 0, 0, 0], bare: false, joints: {}})),
    asleep: false,
  };

  window.XRRigidTransform = class {
    constructor(p = {}, q = {}) {
      this.position = {x: p.x || 0, y: p.y || 0, z: p.z || 0, w: 1};
      this.orientation = {x: q.x || 0, y: q.y || 0, z: q.z || 0, w: q.w === undefined ? 1 : q.w};
    }
    get matrix() {
      const {x, y, z, w} = this.orientation, {x: a, y: b, z: c} = this.position;
      return new Float32Array([
        1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w), 0,
        2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w), 0,
        2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y), 0, a, b, c, 1]);
    }
    get inverse() {
      const {x, y, z, w} = this.orientation, {x: a, y: b, z: c} = this.position;
      const turned = turn([-x, -y, -z, w], [-a, -b, -c]);
      return new XRRigidTransform({x: turned[0], y: turned[1], z: turned[2]}, {x: -x, y: -y, z: -z, w});
    }
  };
  function turn([x, y, z, w], [a, b, c]) {
    const tx = 2 * (y * c - z * b), ty = 2 * (z * a - x * c), tz = 2 * (x * b - y * a);
    return [a + w * tx + y * tz - z * ty, b + w * ty + z * tx - x * tz, c + w * tz + x * ty - y * tx];
  }
  const product = ([ax, ay, az, aw], [bx, by, bz, bw]) => [aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz];

  // A pose of the floor's space in `space`, which may be an offset of it.
  function seenFrom(space, {p, q}) {
    const {x, y, z, w} = space.offset.orientation, o = space.offset.position;
    const inverse = [-x, -y, -z, w];
    const place = turn(inverse, [p[0] - o.x, p[1] - o.y, p[2] - o.z]), turned = product(inverse, q);
    return new XRRigidTransform({x: place[0], y: place[1], z: place[2]}, {x: turned[0], y: turned[1], z: turned[2], w: turned[3]});
  }

  class Space extends EventTarget {
    constructor(offset = new XRRigidTransform()) {
      super();
      this.offset = offset;
    }
    getOffsetReferenceSpace(offset) { return new Space(offset); }
  }

  class Session extends EventTarget {
    constructor(mode) {
      super();
      this.mode = mode;
      this.renderState = {baseLayer: null, depthNear: 0.1, depthFar: 100};
      this.environmentBlendMode = mode === 'immersive-ar' ? 'alpha-blend' : 'opaque';
      this.enabledFeatures = ['local-floor', 'hand-tracking'];
      this.callbacks = new Map();
      this.next = 1;
      this.sources = fake.hands.map(hand => ({
        handedness: hand.side, profiles: ['oculus-touch-v3', 'generic-trigger-squeeze-thumbstick'], targetRayMode: 'tracked-pointer',
        gripSpace: {hand}, targetRaySpace: {hand},
        get hand() { return hand.bare ? {get: joint => ({hand, joint}), size: 25, [Symbol.iterator]: function* () {}, values: () => []} : undefined; },
        gamepad: {get buttons() { return hand.buttons.map(value => ({value, pressed: value > 0.5, touched: value > 0})); },
          get axes() { return hand.axes; }, mapping: 'xr-standard', hapticActuators: [{pulse: (...how) => fake.pulses.push([hand.side, ...how])}]},
      }));
      this.timer = setInterval(() => this.frame(), 1000 / fake.rate);
    }
    get inputSources() { return this.sources.filter((_, i) => !fake.hands[i].gone); }
    get visibilityState() { return fake.visibility; }
    updateRenderState(state) { Object.assign(this.renderState, state); }
    async requestReferenceSpace() { return this.space = new Space(); }
    requestAnimationFrame(callback) {
      this.callbacks.set(this.next, callback);
      return this.next++;
    }
    cancelAnimationFrame(id) { this.callbacks.delete(id); }
    frame() {
      if (fake.asleep || this.ended) return;
      fake.follow();
      const due = [...this.callbacks.values()];
      this.callbacks.clear();
      ++fake.frames;
      const frame = {
        session: this,
        getViewerPose: space => {
          if (fake.head.lost) return null;
          const views = [-0.032, 0.032].map((x, i) => {
            const eye = turn(fake.head.q, [x, 0, 0]).map((v, k) => v + fake.head.p[k]);
            return {eye: ['left', 'right'][i], transform: seenFrom(space, {p: eye, q: fake.head.q}),
              projectionMatrix: new Float32Array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1.002, -1, 0, 0, -0.2, 0])};
          });
          return {transform: seenFrom(space, fake.head), emulatedPosition: fake.head.emulated, views};
        },
        getPose: (what, space) => {
          const pose = what.joint ? what.hand.joints[what.joint] : what.hand;
          if (!pose || what.hand.lost) return null;
          return {transform: seenFrom(space, {q: [0, 0, 0, 1], ...pose}), emulatedPosition: what.hand.emulated};
        },
        getJointPose: (what, space) => frame.getPose(what, space),
      };
      for (const callback of due) callback(performance.now(), frame);
    }
    async end() {
      this.ended = true;
      clearInterval(this.timer);
      fake.session = null;
      this.dispatchEvent(new Event('end'));
    }
  }

  window.XRWebGLLayer = class {
    constructor() {
      this.framebuffer = null;
      this.framebufferWidth = 2 * EYE;
      this.framebufferHeight = EYE;
      this.ignoreDepthValues = false;
    }
    getViewport(view) { return {x: view.eye === 'right' ? EYE : 0, y: 0, width: EYE, height: EYE}; }
  };
  delete window.XRWebGLBinding;
  for (const kind of [window.WebGLRenderingContext, window.WebGL2RenderingContext]) kind.prototype.makeXRCompatible = async () => {};
  Object.defineProperty(navigator, 'xr', {configurable: true, value: {
    isSessionSupported: async mode => mode === 'immersive-vr' || mode === 'immersive-ar',
    requestSession: async mode => fake.session = new Session(mode),
    addEventListener() {},
  }});
  // A hand with its joints: `bent` says how far thumb and finger tips are from one another, and `fist`
  // whether they are at the wrist.
  fake.bareHands = (touching, fist = false) => {
    fake.hands.forEach((hand, i) => {
      hand.bare = true;
      const at = (x, y, z) => ({p: [hand.p[0] + x, hand.p[1] + y, hand.p[2] + z], q: [0, 0, 0, 1]});
      const far = fist ? -0.05 : -0.17;
      hand.joints = {'wrist': at(0, 0, 0), 'thumb-tip': at(-0.05, 0, -0.1)};
      ['index', 'middle', 'ring', 'pinky'].forEach((finger, k) => {
        hand.joints[`${finger}-finger-tip`] = touching[i] === finger ? at(-0.05, 0.01, -0.1) : at(0.03 * (k - 1), 0, far);
      });
    });
    fake.changeSources();
  };
  fake.changeSources = () => fake.session.dispatchEvent(Object.assign(new Event('inputsourceschange'), {added: [], removed: []}));
  fake.sleep = on => {
    fake.asleep = on;
    fake.visibility = on ? 'hidden' : 'visible';
    fake.session.dispatchEvent(new Event('visibilitychange'));
  };
  // Hands do what was recorded: rows of raw_stream.cc, from now on and once.
  fake.replay = rows => { fake.recorded = {rows, begin: performance.now(), at: 0}; };
  fake.follow = () => {
    const {recorded} = fake;
    if (!recorded) return;
    const seconds = (performance.now() - recorded.begin) / 1000;
    while (recorded.at + 1 < recorded.rows.length && recorded.rows[recorded.at + 1][0] <= seconds) ++recorded.at;
    const row = recorded.rows[recorded.at];
    fake.hands.forEach((hand, i) => {
      const numbers = row.slice(1 + 9 * i, 10 + 9 * i);
      hand.p = numbers.slice(0, 3);
      hand.q = numbers.slice(3, 7);
      [hand.buttons[1], hand.buttons[0]] = numbers.slice(7);
    });
    if (recorded.at + 1 === recorded.rows.length) fake.recorded = null;
  };
  fake.recentre = () => fake.session.space.dispatchEvent(new Event('reset'));
})();
