// All episodes at a glance: one figure over their place in the file. What the list does not hold is
// faint; a click opens the nearest.
const OVERVIEW = {
  steps: {name: 'steps', of: i => S.data.episodes[i].steps},
  path_m: {name: 'path, m', of: i => motionOf(i).path_m},
  jerk_rms: {name: 'jerk, m/s³', of: i => motionOf(i).jerk_rms},
  idle_share: {name: 'idle share', of: i => motionOf(i).idle_share},
  clipped_share: {name: 'clipped share', of: i => motionOf(i).clipped_share},
};
const overview = {points: []};

function makeOverview() {
  const select = $('figure');
  for (const [key, {name}] of Object.entries(OVERVIEW)) select.append(el('option', {value: key}, name));
  select.value = remembered('figure', 'path_m');
  select.onchange = () => { remember('figure', select.value); drawOverview(); };
  const canvas = $('overview');
  const nearest = event => {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, least = 400;
    for (const point of overview.points) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) { least = distance; best = point; }
    }
    return best;
  };
  canvas.onclick = event => { const point = nearest(event); if (point) openEpisode(point.i); };
  canvas.onpointermove = event => {
    const point = nearest(event);
    canvas.title = point ? `${S.data.episodes[point.i].name}: ${OVERVIEW[select.value].name} ${figures(point.value)}` : '';
    canvas.style.cursor = point ? 'pointer' : 'default';
  };
  new ResizeObserver(drawOverview).observe(canvas);
}

function drawOverview() {
  const canvas = $('overview'), width = canvas.clientWidth, height = canvas.clientHeight, scale = devicePixelRatio || 1;
  if (!width || !S.data) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d'), {of} = OVERVIEW[$('figure').value];
  context.scale(scale, scale);
  const count = S.data.episodes.length, values = S.data.episodes.map((_, i) => of(i)), [low, high] = range(values.filter(v => v !== undefined));
  const x = i => 8 + (count > 1 ? i / (count - 1) : 0.5) * (width - 16);
  const y = v => height - 8 - (high > low ? (v - low) / (high - low) : 0.5) * (height - 34);
  const colours = {far: css('--warn'), plain: css('--accent'), failed: css('--bad')}, shown = new Set(S.shown);
  const size = count > 400 ? 1.6 : 2.4, key = $('figure').value;
  overview.points = [];
  for (let i = 0; i < count; ++i) {
    if (values[i] === undefined) continue;
    const point = {i, x: x(i), y: y(values[i]), value: values[i]}, far = (S.flags.get(i) || []).includes(key);
    overview.points.push(point);
    context.globalAlpha = shown.has(i) ? 0.8 : 0.15;
    context.fillStyle = context.strokeStyle = outcomeOf(i) === 'bad' ? colours.failed : far ? colours.far : colours.plain;
    context.beginPath();
    context.arc(point.x, point.y, far ? size + 1 : size, 0, 7);
    if (S.marks[i] === 'drop') context.stroke();
    else context.fill();
  }
  context.globalAlpha = 1;
  const here = overview.points.find(point => point.i === S.current);
  if (here) {
    context.strokeStyle = css('--text');
    context.lineWidth = 1.4;
    context.beginPath();
    context.arc(here.x, here.y, 5.5, 0, 7);
    context.stroke();
  }
  context.fillStyle = css('--faint');
  context.font = '9.5px system-ui, "Liberation Sans", sans-serif';
  if (high >= low && overview.points.length) {
    context.fillText(figures(high, 3), 3, 12);
    context.fillText(figures(low, 3), 3, height - 2);
  }
}
