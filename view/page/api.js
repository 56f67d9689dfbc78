// Asking the server, and small helpers. Texts of files are never taken for HTML.
const KEY = document.querySelector('meta[name=key]').content;
const $ = id => document.getElementById(id);

// An element with properties and children: el('td', {className: 'n'}, 'text')
function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith('aria') || name === 'role') node.setAttribute(name.replace(/^aria/, 'aria-').toLowerCase(), value);
    else node[name] = value;
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

class ServerError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, {...options, headers: {...options.headers, 'X-Understudy-Key': KEY}});
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ServerError(0, 'the server does not answer: was `understudy data view` stopped?');
  }
  if (response.ok) return response;
  let text = `${response.status}`;
  try { text = (await response.json()).error; } catch { /* no JSON: the number must do */ }
  throw new ServerError(response.status, text);
}
const askJson = async (path, options) => (await ask(path, options)).json();
const askBytes = async (path, options) => (await ask(path, options)).arrayBuffer();
const tell = (path, value) => askJson(path, {
  method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(value)});

let toastTimer = 0;
function toast(text) {
  $('toast').textContent = text;
  $('toast').hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $('toast').hidden = true; }, 7000);
}

// Four figures that count.
function figures(v, digits = 4) {
  if (v === null || v === undefined || Number.isNaN(v)) return '–';
  if (v === 0) return '0';
  const size = Math.abs(v);
  if (size < 1e-4 || size >= 1e6) return v.toExponential(2);
  return String(Number(v.toPrecision(digits)));
}
// The same number of places for every value of a channel, so that digits stand still while it plays.
function places(low, high) {
  const span = high - low;
  if (!(span > 0)) return Number.isInteger(low) ? 0 : 4;
  if (Number.isInteger(low) && Number.isInteger(high) && span >= 1000) return 0;
  return Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(span))));
}
function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  while (n >= 1000 && i < 4) { n /= 1000; ++i; }
  return `${i ? n.toPrecision(3) : n} ${units[i]}`;
}
const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// What the page knows.
const S = {
  data: null,          // /api/dataset
  rows: [],            // /api/rows, one per episode that has been read
  outliers: null,      // figure -> {median, episodes}
  flags: new Map(),    // place -> names of figures
  marks: [],           // per episode: 'keep', 'drop' or null
  holds: null,         // places that the condition holds for; null: no condition
  chip: 'all', sort: 'number', down: false,
  shown: [],           // places, in the order of the list
  current: -1, about: null, columns: null, step: 0, length: 0,
};
