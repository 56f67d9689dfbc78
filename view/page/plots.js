// One channel after the other over the steps of an episode, each in a canvas of its own; the cursor
// is one line over all of them.
const AXES = ['#e5484d', '#2f9e62', '#3b7ddd'];
const PALETTE = ['#3b7ddd', '#d9822b', '#2f9e62', '#a855c7', '#e5484d', '#0e9aa7', '#8a6d3b'];

const plots = {
  rows: [],               // what stands in the page now: {spec, canvas, value}
  from: 0, to: 1,         // steps at the left and right edge
  hover: null,

  // Groups: [{title, note, open, rows: [spec]}]; spec: {name, title, kind, series: [{data, colour,
  // dash, label}], low, high, height, draw, tell}
  show(groups) {
    this.groups = groups;
    this.from = 0;
    this.to = Math.max(1, S.length - 1);
    $('rows').replaceChildren();
    this.rows = [];
    for (const group of groups) {
      const body = el('div');
      if (group.title) {
        const open = remembered(`open ${group.title}`, group.open);
        const head = el('button', {className: 'group', ariaExpanded: open}, group.title,
                        el('i', {}, group.note || ''));
        body.hidden = !open;
        head.onclick = () => {
          body.hidden = !body.hidden;
          head.setAttribute('aria-expanded', !body.hidden);
          remember(`open ${group.title}`, !body.hidden);
          this.draw();
        };
        $('rows').append(head);
      }
      for (const spec of group.rows) body.append(this.row(spec));
      $('rows').append(body);
    }
    this.draw();
  },
  row(spec) {
    const canvas = el('canvas'), value = el('span', {className: 'value'});
    const area = el('div', {className: 'area'}, canvas);
    canvas.style.height = `${spec.height || 40}px`;
    const name = el('span', {className: 'what', title: spec.title || spec.name}, spec.name);
    const row = {spec, canvas, value, area};
    for (const s of spec.series || []) [s.low, s.high] = range(s.data);
    this.rows.push(row);
    return el('div', {className: 'row'}, el('div', {className: 'gutter'}, name, value), area);
  },
  x(step, width) { return (step - this.from) / (this.to - this.from) * width; },
  draw() {
    const colours = {bg: css('--bg'), grid: css('--grid'), faint: css('--faint'), bridge: css('--bridge'),
                     target: css('--target')};
    for (const row of this.rows) {
      if (row.canvas.offsetParent === null) continue;
      const width = row.area.clientWidth, height = row.spec.height || 40, scale = devicePixelRatio || 1;
      row.canvas.width = Math.round(width * scale);
      row.canvas.height = Math.round(height * scale);
      const context = row.canvas.getContext('2d');
      context.scale(scale, scale);
      if (row.spec.draw) row.spec.draw(context, width, height, colours);
      else drawLines(context, width, height, row.spec, colours);
    }
    this.moveCursor();
  },
  // Lines and readouts of the cursor: of the step under the mouse, else of the one that is shown.
  moveCursor() {
    const area = $('slider').parentElement, left = area.offsetLeft, width = area.clientWidth;
    const place = (line, step) => {
      const x = this.x(step, width);
      line.hidden = x < 0 || x > width;
      line.style.transform = `translateX(${left + x}px)`;
    };
    place($('cursor_line'), S.step);
    if (this.hover === null) $('hover_line').hidden = true;
    else place($('hover_line'), this.hover);
    const step = this.hover === null ? S.step : this.hover;
    $('step_value').textContent = `${step} of ${S.length}`;
    for (const row of this.rows) {
      if (row.canvas.offsetParent !== null) tellRow(row, step);
    }
  },
  stepAt(event) {
    const box = $('slider').parentElement.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return clamp(Math.round(this.from + share * (this.to - this.from)), 0, S.length - 1);
  },
  zoom(event) {
    const at = this.stepAt(event), factor = event.deltaY + event.deltaX > 0 ? 1.25 : 0.8, last = Math.max(1, S.length - 1);
    const span = clamp((this.to - this.from) * factor, Math.min(8, last), last);
    const share = (at - this.from) / (this.to - this.from);
    this.from = clamp(at - share * span, 0, last - span);
    this.to = this.from + span;
    this.draw();
  },
  listen() {
    const box = $('plots');
    const inArea = event => event.target.closest('.area') && event.target !== $('slider');
    let dragging = false;
    box.addEventListener('pointerdown', event => {
      if (!inArea(event) || event.button !== 0) return;
      dragging = true;
      box.setPointerCapture(event.pointerId);
      player.pause();
      goTo(this.stepAt(event));
      event.preventDefault();
    });
    box.addEventListener('pointermove', event => {
      if (dragging) goTo(this.stepAt(event));
      const hover = !dragging && inArea(event) ? this.stepAt(event) : null;
      if (hover !== this.hover) { this.hover = hover; this.moveCursor(); }
    });
    for (const end of ['pointerup', 'pointercancel']) box.addEventListener(end, () => { dragging = false; });
    box.addEventListener('pointerleave', () => { this.hover = null; this.moveCursor(); });
    box.addEventListener('wheel', event => {
      if (!event.shiftKey) return;
      event.preventDefault();
      this.zoom(event);
    }, {passive: false});
    box.addEventListener('dblclick', event => {
      if (!inArea(event)) return;
      this.from = 0;
      this.to = Math.max(1, S.length - 1);
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.draw(); drawMaps(); drawOverview(); });
  },
};

function range(data) {
  let low = Infinity, high = -Infinity;
  for (const v of data) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : [0, 0];
}

function tellRow(row, step) {
  const {spec, value} = row;
  if (spec.tell) {
    value.textContent = spec.tell(step);
    return;
  }
  value.replaceChildren(...spec.series.flatMap((s, i) => {
    const v = s.data[step], text = Number.isFinite(v) ? v.toFixed(places(s.low, s.high)) : '–';
    return i ? [el('i', {}, `  ${text}`)] : [text];
  }));
  value.title = spec.series.map((s, i) => `${s.label || (i ? '' : spec.name)} ${s.data[step]}`).join(', ');
}

// Bridges are shaded and changes of the subtask lined in every plot.
function drawGround(context, width, height, colours) {
  for (const run of timeline.bridges) {
    const a = plots.x(run.from - 0.5, width), b = plots.x(run.end - 0.5, width);
    context.fillStyle = colours.bridge;
    context.fillRect(a, 0, b - a, height);
  }
  context.fillStyle = colours.grid;
  for (const run of timeline.subtasks.slice(1)) context.fillRect(plots.x(run.from - 0.5, width), 0, 1, height);
}

function drawLines(context, width, height, spec, colours) {
  drawGround(context, width, height, colours);
  let low = spec.low, high = spec.high;
  if (low === undefined) {
    low = Math.min(...spec.series.map(s => s.low));
    high = Math.max(...spec.series.map(s => s.high));
  }
  // around zero, so that signs show
  if (spec.even) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  const written = [low, high];
  const least = spec.least || 1e-9;
  if (high - low < least) [low, high] = [(low + high - least) / 2, (low + high + least) / 2];
  const margin = 0.08 * (high - low);
  low -= margin;
  high += margin;
  const y = v => height - (v - low) / (high - low) * height;
  if (low < 0 && high > 0) {
    context.fillStyle = colours.grid;
    context.fillRect(0, y(0), width, 1);
  }
  const first = Math.max(0, Math.floor(plots.from)), last = Math.min(S.length - 1, Math.ceil(plots.to));
  // the one behind first: what is measured lies over what is wanted
  for (const s of [...spec.series].reverse()) {
    context.strokeStyle = s.colour === 'target' ? colours.target : s.colour;
    context.globalAlpha = s.colour === 'target' ? 0.55 : 1;
    context.lineWidth = s.dash ? 1 : 1.4;
    context.setLineDash(s.dash || []);
    context.beginPath();
    drawSeries(context, s.data, first, last, k => plots.x(k, width), y, width, spec.steps);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
  if (height < 32) return;
  context.font = '9.5px system-ui, "Liberation Sans", sans-serif';
  context.textAlign = 'right';
  const edges = spec.even ? [[`±${figures(written[1], 3)}`, 9]] : [[figures(written[1], 3), 9], [figures(written[0], 3), height - 2]];
  for (const [text, bottom] of edges) {
    const wide = context.measureText(text).width;
    context.globalAlpha = 0.75;
    context.fillStyle = colours.bg;
    context.fillRect(width - wide - 4, bottom - 8, wide + 4, 9);
    context.globalAlpha = 1;
    context.fillStyle = colours.faint;
    context.fillText(text, width - 2, bottom);
  }
}

// More rows than pixels are drawn as the least and greatest of each pixel.
function drawSeries(context, data, first, last, x, y, width, steps) {
  const each = Math.floor((last - first) / (2 * width)) || 1;
  let pen = false;
  const point = (k, v) => {
    if (!Number.isFinite(v)) { pen = false; return; }
    if (pen) context.lineTo(x(k), y(v));
    else context.moveTo(x(k), y(v));
    pen = true;
  };
  for (let k = first; k <= last; k += each) {
    if (each === 1) {
      if (steps && k > first) point(k, data[k - 1]);
      point(k, data[k]);
      continue;
    }
    let low = Infinity, high = -Infinity;
    for (let i = k; i < Math.min(k + each, last + 1); ++i) {
      if (data[i] < low) low = data[i];
      if (data[i] > high) high = data[i];
    }
    if (low <= high) { point(k, low); point(k, high); } else pen = false;
  }
}

// Settings of the page that outlive it.
function remembered(name, fallback) {
  try { return JSON.parse(localStorage.getItem(`understudy ${name}`)) ?? fallback; } catch { return fallback; }
}
function remember(name, value) {
  try { localStorage.setItem(`understudy ${name}`, JSON.stringify(value)); } catch { /* then not */ }
}
