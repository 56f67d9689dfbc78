// A person at the page: looks at the scene as it is drawn, moves the hand of the page's device by
// what mouse and keys do to it, and stacks cubeA on cubeB. Answers with how often it took hold.
async (limit_s) => {
  const {twin, state} = understudy, device = state.device;
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
  const place = name => twin.bodies[twin.scene.bodies.indexOf(name)].position.clone();
  const hand = twin.scene.hands[0];
  const E = () => {
    const body = twin.bodies[hand.body], at = body.position.clone().set(hand.pose[0], hand.pose[1], hand.pose[2]);
    return at.applyQuaternion(body.quaternion).add(body.position);
  };
  const end = performance.now() + 1000 * limit_s, done = state.status.done;
  const over = () => performance.now() > end || state.status.done > done || state.status.phase === 'ready';
  // moves the hand until the arm is there; as a person does, slower as it comes near
  const go = async (target, near = 0.006) => {
    for (let last = performance.now(); !over();) {
      await wait(15);
      const now = performance.now(), dt = Math.min(0.05, (now - last) / 1000), off = target().sub(E());
      last = now;
      if (off.length() < near) return;
      const step = off.clone().multiplyScalar(Math.min(1, 0.15 * dt / Math.max(1e-6, off.length())) * Math.min(1, 0.3 + 8 * off.length()));
      device.hands[1].place.add(step.applyQuaternion(device.toTracking()));
    }
  };
  device.press('start');
  while (state.status.phase === 'ready' && performance.now() < end) await wait(20);
  await wait(200);
  device.toggle('squeeze');
  while (!(state.frame.arms.length && state.frame.arms[0].flags & 1) && !over()) await wait(20);
  const above = (name, height) => () => place(name).add(place(name).set(0, 0, height));
  await go(above('cubeA', 0.12));
  await go(above('cubeA', 0.0));
  device.toggle('trigger');
  await wait(700);
  await go(above('cubeB', 0.14), 0.01);
  await go(above('cubeB', 0.058));
  device.toggle('trigger');
  await wait(400);
  await go(above('cubeB', 0.2), 0.02);
  while (!over()) await wait(50);
  device.release();
  return state.status.done > done;
}
