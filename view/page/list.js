// The list: which episodes, in which order. Only the lines in sight exist.
const LINE = 25;
const COLUMNS = [
  {key: 'mark', name: '', title: 'marked keep or drop', value: i => ({keep: 2, drop: 1})[S.marks[i]] || 0},
  {key: 'number', name: 'episode', title: 'order of the file', value: i => i},
  {key: 'success', name: '', title: 'success', value: i => (S.data.episodes[i].success ? 1 : 0)},
  {key: 'look', name: 'var', title: 'variant index; 0 is the nominal look', number: true, value: i => S.data.episodes[i].variant_index},
  {key: 'steps', name: 'steps', title: 'rows', number: true, value: i => S.data.episodes[i].steps},
  {key: 'path_m', name: 'path m', title: 'way of all control frames', number: true, value: i => motionOf(i).path_m},
  {key: 'jerk_rms', name: 'jerk', title: 'root mean square of the third difference of the position, m/s³',
   number: true, value: i => motionOf(i).jerk_rms},
  {key: 'idle_share', name: 'idle', title: 'share of rows whose command is that of the row before', number: true, value: i => motionOf(i).idle_share},
  {key: 'flags', name: '⚑', title: 'figures that stand apart', value: i => (S.rows[i] && S.rows[i].error ? 9 : (S.flags.get(i) || []).length)},
];
// 'good', 'bad', or '' where a file of another program does not say.
const outcomeOf = i => (S.data.episodes[i].success ? 'good' : S.data.told ? 'bad' : '');
const motionOf = i => (S.rows[i] && S.rows[i].motion) || {};

const CHIPS = [
  {key: 'all', name: 'all', holds: () => true},
  {key: 'success', name: 'success', holds: i => S.data.episodes[i].success},
  {key: 'failed', name: 'failed', holds: i => outcomeOf(i) === 'bad'},
  {key: 'outlier', name: 'outliers', holds: i => S.flags.has(i)},
  {key: 'keep', name: 'kept', holds: i => S.marks[i] === 'keep'},
  {key: 'drop', name: 'dropped', holds: i => S.marks[i] === 'drop'},
  {key: 'none', name: 'unmarked', holds: i => !S.marks[i]},
];

function makeList() {
  for (const [key, members] of Object.entries(S.data.masks).slice(0, 12)) {
    const set = new Set(members);
    CHIPS.push({key: `mask.${key}`, name: `mask ${key}`, holds: i => set.has(i)});
  }
  for (const column of COLUMNS) {
    const button = el('button', {title: `${column.title}; click sorts`, className: column.number ? 'n' : ''},
                      column.name || ({mark: '✓', success: '●'})[column.key]);
    button.onclick = () => {
      if (S.sort === column.key) S.down = !S.down;
      else { S.sort = column.key; S.down = !['number', 'success'].includes(column.key); }
      if (OVERVIEW[column.key]) $('figure').value = column.key;
      updateList();
    };
    column.button = button;
    $('columns').append(button);
  }
  $('list').addEventListener('scroll', drawList);
  new ResizeObserver(drawList).observe($('list'));
  let typing = 0;
  $('where').addEventListener('input', () => { clearTimeout(typing); typing = setTimeout(applyWhere, 350); });
  $('where').addEventListener('keydown', event => {
    if (event.key === 'Enter') { clearTimeout(typing); applyWhere(); }
    if (event.key === 'Escape') $('where').blur();
  });
}

let whereTurn = 0;
async function applyWhere() {
  const condition = $('where').value.trim(), turn = ++whereTurn;
  const wrong = text => { $('where_error').textContent = text; $('where').classList.toggle('wrong', text !== ''); };
  if (condition === '') {
    wrong('');
    S.holds = null;
    updateList();
    return;
  }
  try {
    const found = await askJson(`/api/where?condition=${encodeURIComponent(condition)}`);
    if (turn !== whereTurn) return;
    wrong('');
    S.holds = new Set(found.episodes);
    updateList();
  } catch (error) {
    if (turn !== whereTurn) return;
    wrong(error.message);
    if (error.status === 503) setTimeout(() => { if (turn === whereTurn) applyWhere(); }, 700);
  }
}

function updateList() {
  const within = S.data.episodes.map((_, i) => i).filter(i => !S.holds || S.holds.has(i));
  const bad = S.rows.some(row => row && row.error);
  if (bad && !CHIPS.some(chip => chip.key === 'error')) CHIPS.push({key: 'error', name: 'unreadable', holds: i => S.rows[i] && S.rows[i].error});
  $('chips').replaceChildren(...CHIPS.map(chip => {
    const count = within.filter(chip.holds).length;
    const button = el('button', {className: 'chip', role: 'radio', ariaChecked: chip.key === S.chip}, chip.name, el('i', {}, String(count)));
    button.onclick = () => { S.chip = chip.key; updateList(); };
    return button;
  }));
  const chip = CHIPS.find(c => c.key === S.chip), column = COLUMNS.find(c => c.key === S.sort), sign = S.down ? -1 : 1;
  for (const c of COLUMNS) {
    if (c === column) c.button.setAttribute('aria-sort', S.down ? 'descending' : 'ascending');
    else c.button.removeAttribute('aria-sort');
  }
  // what has not been measured stands last
  const value = i => { const v = column.value(i); return v === undefined || v === null ? -sign * Infinity : v; };
  S.shown = within.filter(chip.holds).sort((a, b) => sign * (value(a) - value(b)) || a - b);
  $('count').textContent = `${S.shown.length} of ${S.data.episodes.length}`;
  for (const id of ['keep_all', 'drop_all', 'clear_all']) $(id).disabled = S.shown.length === 0;
  $('lines').style.height = `${S.shown.length * LINE}px`;
  drawList();
  drawOverview();
  tellTriage();
}

function drawList() {
  const list = $('list'), first = Math.max(0, Math.floor(list.scrollTop / LINE) - 5);
  const last = Math.min(S.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / LINE) + 5);
  const lines = [];
  for (let at = first; at < last; ++at) lines.push(lineOf(S.shown[at], at));
  if (S.shown.length === 0) lines.push(el('div', {className: 'none'}, 'no episode'));
  $('lines').replaceChildren(...lines);
}

function lineOf(i, at) {
  const episode = S.data.episodes[i], row = S.rows[i], flags = S.flags.get(i) || [], motion = motionOf(i);
  const number = (key, text) => el('span', flags.includes(key) ? {className: 'n far', title: flagText(i, key)} : {className: 'n'}, text);
  const mark = S.marks[i];
  const outcome = {good: 'success', bad: `failed ${row && row.cause ? row.cause : ''}`, '': 'outcome not recorded'}[outcomeOf(i)];
  const line = el('div', {className: `line ${mark || ''}`, role: 'option', ariaSelected: i === S.current, id: `line${i}`},
    el('span', {className: mark || ''}, {keep: '✓', drop: '✕'}[mark] || ''),
    el('span', {className: 'name', title: `${episode.name} ${episode.uuid}`}, episode.name),
    el('span', {className: `dot ${outcomeOf(i)}`, title: outcome}),
    number('look', String(episode.variant_index)), number('steps', String(episode.steps)),
    number('path_m', motion.path_m === undefined ? '' : motion.path_m.toFixed(2)),
    number('jerk_rms', motion.jerk_rms === undefined ? '' : motion.jerk_rms < 0.005 ? '0' : figures(motion.jerk_rms, 3)),
    number('idle_share', motion.idle_share === undefined ? '' : `${Math.round(100 * motion.idle_share)}%`),
    el('span', {className: 'flag', title: row && row.error ? row.error : flags.map(key => flagText(i, key)).join('\n')},
       row && row.error ? '!' : '⚑'.repeat(Math.min(flags.length, 3))));
  line.style.top = `${at * LINE}px`;
  line.onclick = () => openEpisode(i);
  return line;
}

const FIGURES = {steps: ['steps', ''], path_m: ['path', ' m'], jerk_rms: ['jerk', ' m/s³'], idle_share: ['idle', ''],
                 missing: ['missing values', ' rows']};
function flagText(i, key) {
  const value = key === 'steps' ? S.data.episodes[i].steps : motionOf(i)[key];
  const median = S.outliers && S.outliers[key] ? ` (median ${figures(S.outliers[key].median, 3)})` : '';
  return `${FIGURES[key][0]} ${figures(value, 3)}${FIGURES[key][1]}${median}`;
}

function scrollToCurrent() {
  const at = S.shown.indexOf(S.current), list = $('list');
  if (at < 0) return;
  const top = at * LINE;
  if (top < list.scrollTop + LINE) list.scrollTop = Math.max(0, top - 2 * LINE);
  if (top > list.scrollTop + list.clientHeight - 2 * LINE) list.scrollTop = top - list.clientHeight + 3 * LINE;
}

// The place `by` lines further in the list; where the current one is not in it, its first.
function neighbour(by) {
  const at = S.shown.indexOf(S.current);
  if (at < 0) return S.shown.length ? S.shown[0] : -1;
  const to = clamp(at + by, 0, S.shown.length - 1);
  return S.shown[to];
}

// What the server has read since: motion, causes, and at the end what stands apart.
async function readRows() {
  for (;;) {
    const answer = await askJson(`/api/rows?from=${S.rows.length}`);
    S.rows.push(...answer.rows);
    const all = S.rows.length === answer.total;
    if (all && answer.outliers) {
      S.outliers = answer.outliers;
      for (const [key, {episodes}] of Object.entries(answer.outliers)) {
        for (const i of episodes) S.flags.set(i, [...(S.flags.get(i) || []), key]);
      }
      S.rows.forEach((row, i) => { if (row.motion && row.motion.missing > 0) S.flags.set(i, [...(S.flags.get(i) || []), 'missing']); });
    }
    $('measuring').hidden = all;
    $('measuring').textContent = `measuring ${S.rows.length} of ${answer.total}…`;
    updateList();
    if (S.current >= 0) tellEpisode();
    if (all && answer.outliers) break;
    await new Promise(done => setTimeout(done, answer.rows.length === 1000 ? 0 : 400));
  }
  document.body.dataset.measured = 'yes';
}
