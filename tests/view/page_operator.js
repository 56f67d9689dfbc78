// A person at the page, or in the headset that stands in for one (fake_xr.js): looks at the scene as
// it is drawn, moves a hand, and stacks cubeA on cubeB. Answers whether that was saved.
async (limit_s) => {
  const {twin, state} = understudy, device = state.device;
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
  const turnedBack = q => q.clone().set(0.5, -0.5, -0.5, 0.5).invert();  // from the world to the tracking space
  const pulse = async (buttons, i) => { buttons[i] = 1; await wait(60); buttons[i] = 0; };
  const person = window.fakeXr ? {
    start: () => pulse(fakeXr.hands[1].buttons, 4),
    hold: on => { fakeXr.hands[1].buttons[1] = on ? 1 : 0; },
    grip: on => { fakeXr.hands[1].buttons[0] = on ? 1 : 0; },
    move: by => by.applyQuaternion(turnedBack(twin.camera.quaternion)).toArray().forEach((v, i) => { fakeXr.hands[1].p[i] += v; }),
    turn: (q, angle) => {
      const up = twin.camera.position.clone().set(0, 1, 0);
      fakeXr.hands[1].q = q.setFromAxisAngle(up, angle).multiply(q.clone().fromArray(fakeXr.hands[1].q)).toArray();
    },
  } : {
    start: () => device.press('start'),
    hold: on => { device.hands[1].squeeze = on ? 1 : 0; },
    grip: on => { device.hands[1].trigger = on ? 1 : 0; },
    move: by => device.hands[1].place.add(by.applyQuaternion(device.toTracking())),
    turn: (q, angle) => device.hands[1].turn.premultiply(q.setFromAxisAngle(device.hands[1].place.clone().set(0, 1, 0), angle)),
  };
  const place = name => twin.bodies[twin.scene.bodies.indexOf(name)].position.clone();
  const hand = twin.scene.hands[0];
  const E = () => {
    const body = twin.bodies[hand.body], at = body.position.clone().set(hand.pose[0], hand.pose[1], hand.pose[2]);
    return at.applyQuaternion(body.quaternion).add(body.position);
  };
  // how far the fingers are turned from the faces of a cube, at most an eighth of a turn
  const askew = name => {
    const yaw = (q, x, y) => { const axis = E().set(x, y, 0).applyQuaternion(q); return Math.atan2(axis.y, axis.x); };
    const cube = twin.bodies[twin.scene.bodies.indexOf(name)].quaternion, held = hand.pose;
    const fingers = twin.bodies[hand.body].quaternion.clone().multiply(cube.clone().set(held[4], held[5], held[6], held[3]));
    const off = yaw(cube, 1, 0) - yaw(fingers, 0, 1), quarter = Math.PI / 2;
    return off - quarter * Math.round(off / quarter);
  };
  const end = performance.now() + 1000 * limit_s, done = state.status.done;
  const over = () => performance.now() > end || state.status.done > done || state.status.phase === 'ready';
  // moves the hand until the arm is there; as a person does, slower as it comes near
  const go = async (target, near = 0.006, face = '') => {
    for (let last = performance.now(); !over();) {
      await wait(15);
      const now = performance.now(), dt = Math.min(0.05, (now - last) / 1000), off = target().sub(E());
      last = now;
      const turn = face ? askew(face) : 0;
      if (off.length() < near && Math.abs(turn) < 0.1) return;
      if (face) person.turn(twin.camera.quaternion.clone(), Math.sign(turn) * Math.min(0.6 * dt, Math.abs(turn) / 4));
      // the hand was lost, as on a machine with other work: a fresh squeeze goes on
      if (/lost|found again/.test(state.status.phase)) {
        person.hold(false);
        await wait(150);
        person.hold(true);
        await wait(150);
        last = performance.now();
        continue;
      }
      const step = off.clone().multiplyScalar(Math.min(1, 0.15 * dt / Math.max(1e-6, off.length())) * Math.min(1, 0.3 + 8 * off.length()));
      person.move(step);
    }
  };
  person.hold(false);
  person.grip(false);
  await wait(50);
  await person.start();
  while (state.status.phase === 'ready' && performance.now() < end) await wait(20);
  await wait(200);
  person.hold(true);
  while (!(state.frame.arms.length && state.frame.arms[0].flags & 1) && !over()) await wait(20);
  const above = (name, height) => () => place(name).add(place(name).set(0, 0, height));
  await go(above('cubeA', 0.12), 0.01, 'cubeA');
  await go(above('cubeA', 0.0));
  person.grip(true);
  await wait(700);
  await go(above('cubeB', 0.14), 0.01);
  await go(above('cubeB', 0.058));
  person.grip(false);
  await wait(400);
  await go(above('cubeB', 0.2), 0.02);
  while (!over()) await wait(50);
  person.hold(false);
  return state.status.done > done;
}
