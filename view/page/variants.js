// The looks of one episode side by side, at the same step, with what differs between their draws.
const MAX_VARIANTS = 12;
const variants = {members: [], canvases: new Map(), about: new Map(), camera: 0};

function membersOf(i) {
  const group = S.rows[i] && S.rows[i].group;
  if (!group) return [];
  const members = [];
  S.rows.forEach((row, j) => { if (row && row.group === group) members.push(j); });
  return members.length > 1 ? members : [];
}

async function showVariants() {
  const members = membersOf(S.current), same = members.join() === variants.members.join();
  variants.members = members;
  $('variants').hidden = $('draws').hidden = members.length === 0;
  if (members.length === 0) return;
  if (!same) {
    variants.canvases.clear();
    variants.about.clear();
  }
  drawVariants();
  // about a thousand bytes each
  const missing = members.slice(0, MAX_VARIANTS).filter(i => !variants.about.has(i));
  await Promise.all(missing.map(async i => {
    try { variants.about.set(i, await askJson(`/api/episode/${i}`)); } catch { /* told where it is opened */ }
  }));
  if (members === variants.members) drawVariants();
}

function drawVariants() {
  const {members} = variants;
  if (members.length === 0 || !S.data) return;
  const shown = members.slice(0, MAX_VARIANTS), strip = el('div', {className: 'strip'});
  if (S.data.cameras.length) {
    for (const i of shown) {
      if (!variants.canvases.has(i)) variants.canvases.set(i, pictureCanvas(0, 168));
      const figure = el('figure', {className: `${i === S.current ? 'here' : ''} ${S.marks[i] || ''}`, title: 'open'}, variants.canvases.get(i),
        el('figcaption', {}, `${S.data.episodes[i].name}: ${lookOf(i)}${S.marks[i] ? ` · ${S.marks[i]}` : ''}`));
      figure.onclick = () => openEpisode(i, S.step);
      strip.append(figure);
    }
  }
  const more = members.length > shown.length ? `, the first ${shown.length} shown` : '';
  const head = el('h2', {}, `${members.length} looks of one episode${more}`);
  if (S.data.cameras.length > 1) {
    const select = el('select', {title: 'camera'},
      ...S.data.cameras.map((name, i) => el('option', {value: i, selected: i === variants.camera}, name)));
    select.onchange = () => { variants.camera = Number(select.value); drawVariantPictures(); };
    head.append(' ', select);
  }
  $('variants').replaceChildren(head, strip);
  const [table, lines] = drawTable(shown);
  $('draws').firstElementChild.textContent =
    lines ? `what was drawn: ${lines} values differ between these looks` : 'what was drawn does not differ between these looks';
  $('draws').lastElementChild.replaceChildren(...(lines ? [table] : []));
  drawVariantPictures();
}

const lookOf = i => (S.data.episodes[i].variant_index === 0 ? 'nominal' : `variant ${S.data.episodes[i].variant_index}`);

function drawVariantPictures() {
  let all = true;
  for (const [i, canvas] of variants.canvases) {
    if (S.step < S.data.episodes[i].steps) all = drawFrame(canvas, i, variants.camera, S.step) && all;
  }
  return all;
}

// One line for each drawn field that is not the same everywhere.
function drawTable(shown) {
  const fields = new Map();
  for (const i of shown) {
    for (const draw of (variants.about.get(i) || {draws: []}).draws) {
      const name = `${draw.what}: ${draw.field}`;
      if (!fields.has(name)) fields.set(name, new Map());
      fields.get(name).set(i, draw);
    }
  }
  const table = el('table'), head = el('tr', {}, el('th', {}, 'what was drawn'));
  for (const i of shown) head.append(el('th', {className: i === S.current ? 'here' : ''}, lookOf(i)));
  table.append(head);
  let lines = 0;
  for (const [name, values] of fields) {
    const texts = shown.map(i => JSON.stringify((values.get(i) || {}).value));
    if (texts.every(text => text === texts[0])) continue;
    const line = el('tr', {}, el('td', {}, name));
    for (const i of shown) line.append(el('td', {className: i === S.current ? 'here' : ''}, ...drawCell(values.get(i))));
    table.append(line);
    ++lines;
  }
  return [table, lines];
}

function drawCell(draw) {
  if (!draw) return ['nominal'];
  const {field, value} = draw;
  const numbers = v => (Array.isArray(v) ? v.map(n => figures(n, 3)).join(' ') : typeof v === 'number' ? figures(v, 3) : String(v));
  if (['rgba', 'ambient', 'diffuse', 'specular', 'rgb1', 'rgb2'].includes(field) && Array.isArray(value)) {
    const swatch = el('span', {className: 'swatch'});
    swatch.style.background = `rgb(${value.slice(0, 3).map(v => Math.round(255 * clamp(v, 0, 1))).join(',')})`;
    return [swatch, numbers(value)];
  }
  if (value && typeof value === 'object' && value.p) return [`p ${numbers(value.p)}  q ${numbers(value.q)}`];
  return [numbers(value)];
}
