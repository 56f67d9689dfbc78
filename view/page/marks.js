// Keep and drop: on the server's disk at once, undone one by one.
const undoStack = [];

function takeMarks(answer) {
  S.marks = new Array(S.data.episodes.length).fill(null);
  for (const i of answer.keep) S.marks[i] = 'keep';
  for (const i of answer.drop) S.marks[i] = 'drop';
  $('notice').textContent = answer.notice;
  $('notice').hidden = !answer.notice;
  S.marksFile = answer.file;
}

async function setMarks(changes, undoing = false) {
  const before = {}, changed = {};
  for (const [i, mark] of Object.entries(changes)) {
    if (S.marks[i] === mark) continue;
    before[i] = S.marks[i];
    changed[i] = mark;
    S.marks[i] = mark;
  }
  if (Object.keys(changed).length === 0) return;
  if (!undoing) undoStack.push({before, at: S.current});
  afterMarks();
  try {
    await tell('/api/marks', {marks: changed});
    document.body.dataset.saved = Number(document.body.dataset.saved || 0) + 1;
  } catch (error) {
    // what is not on the disk is not shown as if it were
    Object.assign(S.marks, before);
    if (!undoing) undoStack.pop();
    afterMarks();
    toast(`not marked: ${error.message}`);
  }
}

function afterMarks() {
  updateList();
  tellMark();
  drawVariants();
}

function markCurrent(mark) {
  if (S.current < 0) return;
  // the next one is looked up before a filter takes the marked one out of the list
  const next = neighbour(1), marked = S.current;
  setMarks({[marked]: mark});
  if (mark && $('auto').checked && next >= 0 && next !== marked) openEpisode(next);
}

function undo() {
  const last = undoStack.pop();
  if (!last) {
    toast('nothing to take back');
    return;
  }
  setMarks(last.before, true);
  if (last.at >= 0) openEpisode(last.at);
}

function markShown(mark) {
  const changes = {};
  for (const i of S.shown) changes[i] = mark;
  setMarks(changes);
}

function tellMark() {
  const mark = S.marks[S.current];
  $('keep').setAttribute('aria-pressed', mark === 'keep');
  $('drop').setAttribute('aria-pressed', mark === 'drop');
  $('undo').disabled = undoStack.length === 0;
}

function tellTriage() {
  const count = mark => S.marks.filter(m => m === mark).length, keep = count('keep'), drop = count('drop');
  $('triage').replaceChildren(el('b', {className: 'k'}, `${keep} kept`), ' · ', el('b', {className: 'd'}, `${drop} dropped`),
                               ` · ${S.marks.length - keep - drop} to go`);
  $('triage').title = `marks are in ${S.marksFile}`;
  $('save').disabled = keep + drop === 0;
}

function openSave() {
  const keep = S.marks.filter(m => m === 'keep').length, drop = S.marks.filter(m => m === 'drop').length;
  const foreign = !S.data.content_hash, file = S.data.file, dot = file.lastIndexOf('.');
  $('save_what').textContent = `${keep} kept and ${drop} dropped become mask/keep and mask/drop of a new dataset of all ` +
    `${S.marks.length} episodes. '${file}' stays as it is. The marks themselves are safe already, in ${S.marksFile}.`;
  $('save_name').value = `${dot > 0 ? file.slice(0, dot) : file}.marked${dot > 0 ? file.slice(dot) : '.h5'}`;
  $('save_link_label').hidden = foreign;
  if (foreign) $('save_link').value = 'copy';
  $('save_result').replaceChildren();
  $('save_dialog').showModal();
}

async function save() {
  const result = $('save_result');
  $('save_go').disabled = true;
  result.textContent = 'writing…';
  try {
    const done = await tell('/api/apply', {
      name: $('save_name').value.trim(), unmarked: $('save_unmarked').value, by_reference: $('save_link').value === 'link'});
    result.replaceChildren(
      el('p', {}, `${done.out}: ${done.episodes} episodes, ${done.keep} in mask/keep, ${done.drop} in mask/drop`),
      el('pre', {}, `understudy train ${done.out} --selection.mask keep …\nunderstudy data filter ${done.out} --where "!mask.drop" --out …`));
  } catch (error) {
    result.textContent = `not written: ${error.message}`;
  }
  $('save_go').disabled = false;
}
