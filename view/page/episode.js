// The episode that is looked at: loading, playing, and what is said of it.
const ZOOM = {1: 168, 2: 252, 3: 420};
const cameraCanvases = [];
let openTurn = 0;

async function openEpisode(i, step = 0) {
  const turn = ++openTurn, again = i === S.current && S.about;
  if (again) {
    goTo(step);
    return;
  }
  player.pause();
  S.current = i;
  S.step = 0;
  S.about = S.columns = null;
  S.length = S.data.episodes[i].steps;
  $('damage').hidden = true;
  history.replaceState(null, '', `#${encodeURIComponent(S.data.episodes[i].name)}`);
  tellEpisode();
  drawList();
  drawOverview();
  scrollToCurrent();
  let about = null, numbers = null, problem = '';
  try {
    [about, numbers] = await Promise.all([askJson(`/api/episode/${i}`), askBytes(`/api/episode/${i}/columns`)]);
  } catch (error) {
    problem = error.message;
  }
  if (turn !== openTurn) return;
  S.about = about || {arms: [], objects: [], columns: [], draws: []};
  const all = new Float64Array(numbers || new ArrayBuffer(0)), count = S.length ? all.length / S.length : 0;
  S.columns = Array.from({length: count}, (_, c) => all.subarray(c * S.length, (c + 1) * S.length));
  $('slider').max = S.length - 1;
  if (problem) showDamage(problem);
  tellEpisode();
  showMaps();
  plots.show(about ? episodeGroups() : []);
  if (window.pane) pane.show(i);
  goTo(clamp(step, 0, S.length - 1));
  await showVariants();
  if (turn !== openTurn) return;
  frames.leave(new Set([i, ...variants.members]));
  document.body.dataset.episode = i;
  if ($('autoplay').checked) player.play();
}

function showDamage(text) {
  $('damage').textContent = text;
  $('damage').hidden = false;
}

function tellEpisode() {
  const episode = S.data.episodes[S.current], row = S.rows[S.current] || {}, about = S.about || {};
  $('name').textContent = episode.name;
  $('outcome').textContent = {good: 'success', bad: 'failed', '': 'outcome not recorded'}[outcomeOf(S.current)];
  $('outcome').className = `pill ${outcomeOf(S.current)}`;
  $('cause').textContent = episode.success ? '' : about.cause || row.cause || '';
  $('flags').textContent = (S.flags.get(S.current) || []).map(key => `⚑ ${flagText(S.current, key)}`).join('   ');
  const hz = about.control_hz || S.data.control_hz, facts = [];
  if (about.instruction) facts.push(el('b', {}, `“${about.instruction}”`));
  facts.push(`${episode.steps} steps${hz ? `, ${figures(episode.steps / hz, 3)} s at ${figures(hz, 3)} Hz` : ''}`);
  if (about.variant) facts.push(`variant ${about.variant}`);
  if (about.attempt >= 0) facts.push(`attempt ${about.attempt}`);
  if (row.motion && row.motion.path_m !== undefined) facts.push(`path ${figures(row.motion.path_m, 3)} m`);
  if (row.motion && row.motion.clipped_share !== undefined) facts.push(`clipped ${Math.round(100 * row.motion.clipped_share)}%`);
  const masks = Object.entries(S.data.masks).filter(([, members]) => members.includes(S.current)).map(([key]) => key);
  if (masks.length) facts.push(`mask ${masks.join(', ')}`);
  if (episode.uuid) facts.push(el('span', {title: `uuid ${episode.uuid}`}, `uuid ${episode.uuid.slice(0, 8)}…`));
  $('about').replaceChildren(...facts.flatMap((fact, i) => (i ? [' · ', fact] : [fact])));
  const {columns, draws, ...provenance} = about;
  $('provenance').textContent = JSON.stringify({...provenance, motion: row.motion}, null, 1);
  tellMark();
}

function makeCameras() {
  $('zoom').value = remembered('zoom', '2');
  $('zoom_box').hidden = S.data.cameras.length === 0;
  S.data.cameras.forEach((name, camera) => {
    const canvas = pictureCanvas(camera, ZOOM[$('zoom').value]);
    canvas.id = `camera${camera}`;
    cameraCanvases.push(canvas);
    $('cameras').append(el('figure', {}, canvas, el('figcaption', {}, name)));
  });
  $('zoom').onchange = () => {
    remember('zoom', $('zoom').value);
    for (const canvas of cameraCanvases) sizePicture(canvas, ZOOM[$('zoom').value]);
    fitMaps();
  };
}

// Draws the pictures of a step; says whether all were there.
function drawPictures() {
  let all = true;
  cameraCanvases.forEach((canvas, camera) => { all = drawFrame(canvas, S.current, camera, S.step) && all; });
  return drawVariantPictures() && all;
}
function picturesArrived() {
  if (S.columns) drawPictures();
}

function goTo(step) {
  S.step = clamp(step, 0, S.length - 1);
  if (!S.columns) return;
  $('slider').value = S.step;
  const hz = S.about.control_hz || S.data.control_hz || 20;
  $('clock').textContent = `${(S.step / hz).toFixed(2)} s of ${(S.length / hz).toFixed(2)} s`;
  drawPictures();
  drawMaps();
  if (window.pane) pane.goTo(S.step);
  plots.moveCursor();
  // the batch behind this one is on its way before it is needed
  const ahead = (Math.floor(S.step / frames.batchSize) + 1) * frames.batchSize;
  if (ahead < S.length) cameraCanvases.forEach((_, camera) => frames.get(S.current, camera, ahead));
}

// Plays at the rate of the recording; waits for pictures instead of leaving them out.
const player = {
  playing: false, last: 0, debt: 0,
  play() {
    if (!S.columns || S.length < 2) return;
    if (S.step >= S.length - 1) goTo(0);
    this.playing = true;
    this.last = performance.now();
    this.debt = 0;
    $('play').textContent = '❚❚';
    requestAnimationFrame(now => this.tick(now));
  },
  pause() {
    this.playing = false;
    $('play').textContent = '▶';
  },
  toggle() { if (this.playing) this.pause(); else this.play(); },
  tick(now) {
    if (!this.playing) return;
    const hz = S.about.control_hz || S.data.control_hz || 20;
    this.debt += (now - this.last) / 1000 * hz * Number($('speed').value);
    this.last = now;
    const late = cameraCanvases.some(canvas => canvas.classList.contains('late')) && !frames.broken.size;
    if (late) this.debt = 0;
    const steps = Math.floor(this.debt);
    if (steps > 0) {
      this.debt -= steps;
      if (S.step + steps >= S.length - 1 && !$('loop').checked) {
        goTo(S.length - 1);
        this.pause();
        return;
      }
      goTo((S.step + steps) % S.length);
    }
    requestAnimationFrame(next => this.tick(next));
  },
};
