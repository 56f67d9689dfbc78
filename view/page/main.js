// Start, keys, and the address: #demo_3@35 is a step of an episode.
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches('input[type=text], textarea, select') || document.querySelector('dialog[open]');
  if (typing) return;
  const by = event.shiftKey ? 10 : 1, speed = $('speed');
  const open = i => { if (i >= 0 && i !== S.current) openEpisode(i); };
  const keys = {
    'j': () => open(neighbour(1)), 'k': () => open(neighbour(-1)),
    'K': () => markCurrent('keep'), 'f': () => markCurrent('keep'),
    'd': () => markCurrent('drop'), 'D': () => markCurrent('drop'),
    'u': undo, 'U': undo,
    ' ': () => player.toggle(),
    'ArrowLeft': () => { player.pause(); goTo(S.step - by); },
    'ArrowRight': () => { player.pause(); goTo(S.step + by); },
    'Home': () => { player.pause(); goTo(0); },
    'End': () => { player.pause(); goTo(S.length - 1); },
    '[': () => { speed.selectedIndex = Math.max(0, speed.selectedIndex - 1); },
    ']': () => { speed.selectedIndex = Math.min(speed.options.length - 1, speed.selectedIndex + 1); },
    'v': () => {
      const {members} = variants, at = members.indexOf(S.current);
      if (at >= 0) openEpisode(members[(at + 1) % members.length], S.step);
    },
    '/': () => { $('where').focus(); $('where').select(); },
    '?': () => $('help_dialog').showModal(),
  };
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function addressed() {
  const [, name, step] = decodeURIComponent(location.hash).match(/^#(.*?)(?:@(\d+))?$/) || [];
  const place = S.data.episodes.findIndex(episode => episode.name === name);
  return place < 0 ? null : [place, Number(step || 0)];
}

function listen() {
  document.addEventListener('keydown', onKey);
  $('slider').addEventListener('input', () => { player.pause(); goTo(Number($('slider').value)); });
  $('play').onclick = () => player.toggle();
  $('back').onclick = () => { player.pause(); goTo(S.step - 1); };
  $('on').onclick = () => { player.pause(); goTo(S.step + 1); };
  $('next').onclick = () => { const i = neighbour(1); if (i >= 0) openEpisode(i); };
  $('previous').onclick = () => { const i = neighbour(-1); if (i >= 0) openEpisode(i); };
  for (const mark of ['keep', 'drop']) {
    $(mark).onclick = () => markCurrent(S.marks[S.current] === mark ? null : mark);
    $(`${mark}_all`).onclick = () => markShown(mark);
  }
  $('clear_all').onclick = () => markShown(null);
  $('undo').onclick = undo;
  $('save').onclick = openSave;
  $('save_go').onclick = save;
  $('help').onclick = () => $('help_dialog').showModal();
  for (const id of ['auto', 'loop', 'autoplay']) {
    $(id).checked = remembered(id, id === 'auto');
    $(id).onchange = () => remember(id, $(id).checked);
  }
  // space and arrows are the page's, whatever button was clicked last
  document.addEventListener('click', event => {
    const control = event.target.closest('button, input[type=checkbox], input[type=range]');
    if (control && !control.closest('dialog')) document.activeElement.blur();
  });
  addEventListener('hashchange', () => { const at = addressed(); if (at) openEpisode(...at); });
  plots.listen();
  new ResizeObserver(fitMaps).observe($('stage'));
}

async function start() {
  try {
    S.data = await askJson('/api/dataset');
    takeMarks(await askJson('/api/marks'));
  } catch (error) {
    showDamage(error.message);
    return;
  }
  const d = S.data, steps = d.episodes.reduce((sum, episode) => sum + episode.steps, 0);
  d.told = d.written_by === 'understudy' || d.episodes.some(episode => episode.success);
  document.title = `${d.file} · Understudy`;
  $('file').textContent = d.file;
  $('file').title = d.path;
  const rate = d.control_hz ? `${figures(d.control_hz, 3)} Hz` : '';
  const sizes = [...new Set(d.image_sizes.map(([w, h]) => `${w}×${h}`))];
  const pictures = d.cameras.length ? `${d.cameras.length} × ${sizes.join(', ')}` : 'no pictures';
  const facts = [d.written_by === 'understudy' ? d.stage : 'of another program', d.task, d.robot, rate,
                 `${d.episodes.length} episodes`, `${steps} steps`, bytes(d.bytes), pictures];
  $('facts').textContent = facts.filter(Boolean).join(' · ');
  makeList();
  makeOverview();
  makeCameras();
  listen();
  updateList();
  if (d.episodes.length) openEpisode(...(addressed() || [S.shown[0], 0]));
  readRows().then(() => { if (S.current >= 0) showVariants(); }).catch(error => toast(error.message));
}
start();
