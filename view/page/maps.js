// The scene from above and from the side: paths of hands and objects, and where they are now.
const MAP_LARGEST = 232, MAP_LEAST = 150;
const VIEWS = [{name: 'from above', across: 0, up: 1, labels: ['x', 'y']}, {name: 'from the side', across: 0, up: 2, labels: ['x', 'z']}];

// Beside the pictures where there is room, smaller before they go below.
function mapSize() {
  const gap = 12, taken = cameraCanvases.reduce((sum, canvas) => sum + canvas.offsetWidth + gap, 0);
  const room = Math.floor(($('stage').clientWidth - taken - gap) / VIEWS.length) - 1;
  return room >= MAP_LEAST ? Math.min(room, MAP_LARGEST) : MAP_LARGEST;
}

function showMaps() {
  const has = S.about.columns.some(c => c.name === 'position');
  $('maps').replaceChildren();
  if (!has) return;
  const size = mapSize();
  for (const view of VIEWS) {
    const canvas = el('canvas');
    canvas.style.width = canvas.style.height = `${size}px`;
    $('maps').append(el('figure', {className: 'map'}, canvas, el('figcaption', {}, view.name)));
    view.canvas = canvas;
    view.size = size;
    const points = S.about.columns.filter(c => c.name === 'position' || c.name === 'target');
    const spread = axis => points.map(c => range(S.columns[c.first + axis])).reduce(([a, b], [c, d]) => [Math.min(a, c), Math.max(b, d)]);
    const [x, y] = [spread(view.across), spread(view.up)];
    const span = Math.max(x[1] - x[0], y[1] - y[0], 0.05) * 1.18;
    view.scale = size / span;
    view.x0 = (x[0] + x[1] - span) / 2;
    view.y0 = (y[0] + y[1] - span) / 2;
  }
  drawMaps();
}

// Anew where their room has changed.
function fitMaps() {
  if (S.columns && $('maps').firstChild && mapSize() !== VIEWS[0].size) showMaps();
}

function drawMaps() {
  if (!S.columns || !$('maps').firstChild) return;
  for (const view of VIEWS) drawMap(view);
}

function drawMap(view) {
  const scale = devicePixelRatio || 1, {canvas, size} = view;
  canvas.width = canvas.height = size * scale;
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  const x = v => (v - view.x0) * view.scale, y = v => size - (v - view.y0) * view.scale;
  const faint = css('--faint'), text = css('--text'), grid = css('--grid');
  drawScale(context, view, x, y, faint, grid);
  const path = (data, end, colour, width, alpha, dash = []) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.globalAlpha = alpha;
    context.setLineDash(dash);
    context.beginPath();
    for (let k = 0; k <= end; ++k) context.lineTo(x(data[view.across][k]), y(data[view.up][k]));
    context.stroke();
    context.globalAlpha = 1;
    context.setLineDash([]);
  };
  const last = S.length - 1, now = S.step, labels = [];
  S.about.objects.forEach((object, i) => {
    const position = channel('position', object, 'object'), yaw = channel('yaw', object);
    if (!position) return;
    const colour = PALETTE[(i + 1) % PALETTE.length];
    path(position, last, colour, 1.2, 0.5);
    context.save();
    context.translate(x(position[view.across][now]), y(position[view.up][now]));
    if (view.up === 1 && yaw) context.rotate(-yaw[0][now]);
    context.fillStyle = colour;
    context.globalAlpha = 0.85;
    context.fillRect(-6, -6, 12, 12);
    context.restore();
    labels.push([object, x(position[view.across][now]) + 10, y(position[view.up][now]) + 4]);
  });
  S.about.arms.forEach((arm, i) => {
    const position = channel('position', arm) || channel('target', arm), gripper = channel('gripper', arm);
    if (!position) return;
    const colour = PALETTE[i % PALETTE.length];
    path(position, last, faint, 1, 0.8);
    path(position, now, colour, 1.8, 1);
    context.beginPath();
    context.arc(x(position[view.across][now]), y(position[view.up][now]), 5, 0, 7);
    context.lineWidth = 2;
    context.strokeStyle = context.fillStyle = colour;
    if (gripper && gripper[0][now] > 0) context.fill();
    context.stroke();
    if (S.about.arms.length > 1) labels.push([arm, x(position[view.across][now]) + 9, y(position[view.up][now]) - 7]);
  });
  context.font = '10.5px system-ui, "Liberation Sans", sans-serif';
  context.fillStyle = text;
  for (const [name, at, height] of labels) {
    const wide = context.measureText(name).width, left = at + wide > size - 2 ? at - wide - 20 : at;
    context.fillText(name, left, clamp(height, 12, size - 4));
  }
}

// A grid of round lengths, and how long one is.
function drawScale(context, view, x, y, faint, grid) {
  const {size} = view;
  const span = size / view.scale, raw = span / 4, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= raw);
  context.fillStyle = grid;
  for (let v = Math.ceil(view.x0 / step) * step; v < view.x0 + span; v += step) context.fillRect(x(v), 0, 1, size);
  for (let v = Math.ceil(view.y0 / step) * step; v < view.y0 + span; v += step) context.fillRect(0, y(v), size, 1);
  context.fillStyle = faint;
  context.fillRect(8, size - 9, step * view.scale, 2);
  context.font = '10px system-ui, "Liberation Sans", sans-serif';
  context.fillText(`${figures(step)} m`, 8, size - 13);
  context.fillText(`${view.labels[0]} →`, size - 22, size - 6);
  context.fillText(`${view.labels[1]} ↑`, 6, 12);
}
