// What a device on this page sends: samples of its hands, in the layout of
// teleop/webxr/page_sample.h.
const NUMBERS = 75, HEAD = 15, PER_HAND = 30;
const BUTTON = {start: 1, discard: 2, reset: 4, stop: 8, again: 16};
const EVENT = {focusLost: 1, focusGained: 2, recentered: 4, profileChanged: 8};
const NOWHERE = [0, 0, 0, 0, 0, 0, 1];

class Samples {
  constructor(send) {
    this.send = send;
    this.sequence = 0;
    this.echo = [0, 0];  // our last answer of the program: its time, and when it came
    this.events = 0;
    this.shown = 0;  // ms from a sample to the picture that shows what came of it, since the last
  }

  // `head` and `hands` (left, right): {flags, pose}; hands also {aim, velocity, turning, trigger,
  // squeeze, stick, buttons}. A hand that is not there: null.
  put(now, head, hands) {
    const n = new Float64Array(NUMBERS);
    n.set([1, ++this.sequence, now, this.echo[0], this.echo[0] ? performance.now() - this.echo[1] : 0,
      head ? head.flags : 0, ...(head ? head.pose : NOWHERE), this.events, this.shown]);
    this.events = this.shown = 0;
    hands.forEach((hand, i) => {
      const at = HEAD + PER_HAND * i;
      if (!hand) return n.set([0, 0, ...NOWHERE, ...NOWHERE], at);
      const moving = hand.velocity && hand.turning;
      n.set([1, hand.flags, ...hand.pose, ...(hand.aim || hand.pose), ...(moving ? hand.velocity : [0, 0, 0]),
        ...(moving ? hand.turning : [0, 0, 0]), moving ? 1 : 0, hand.trigger, hand.squeeze, ...(hand.stick || [0, 0]), hand.buttons], at);
    });
    this.send(n.buffer);
  }
}
